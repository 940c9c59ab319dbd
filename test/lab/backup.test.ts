import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { EngineEvent } from "@pulumi/pulumi/automation/index.js";
import type { Backups } from "../../config/backups.ts";
import { command } from "../../lab/machines/command.ts";
import { pulumiDirectory } from "../../lab/paths.ts";
import { unchanged, votersAre } from "../../lab/proof.ts";
import { type S3Store, startS3 } from "../../lab/s3.ts";
import { membersOf } from "../../measure/etcd.ts";
import { api } from "../../measure/kube.ts";
import { apiPatiently } from "../../measure/patient.ts";
import { waitFor } from "../../measure/wait.ts";
import { findingsOf } from "./operator.ts";
import {
  adminOf,
  type Cluster,
  failedUp,
  output,
  type Rehearsal,
  rehearse,
  skip,
  timeout,
} from "./support.ts";

const serverNames = ["server-1", "server-2", "server-3"];
const ours = "/var/lib/homelab-k3s/snapshots";
const k3sOwn = "/var/lib/rancher/k3s/server/db/snapshots";
const folder = "clusters/lab";

describe("backups of three servers", { skip, timeout }, () => {
  let rehearsal: Rehearsal;
  let cluster: Cluster;
  let store: S3Store;
  let copies: string;
  let backup: object;

  before(async () => {
    rehearsal = await rehearse("backup", { servers: 3, agents: 0 });
    cluster = rehearsal.cluster;
    store = await startS3(cluster.lab);
    copies = await mkdtemp(join(tmpdir(), "copies-"));
    const s3 = { endpoint: store.endpoint, bucket: store.bucket, folder, insecure: true };
    backup = { schedule: "* * * * *", retention: 1, s3, copyTo: copies };
    await cluster.configure({
      snapshots: ["first"],
      more: { backup },
      secrets: { s3AccessKey: store.accessKey, s3SecretKey: store.secretKey },
    });
  });
  after(async () => {
    await store?.stop();
    await rehearsal?.end();
    if (copies) await rm(copies, { recursive: true, force: true });
  });

  const servers = () => serverNames.map((name) => cluster.machine(name));
  /** Saves, verifies and reports here. */
  const first = () => cluster.machine("server-1");
  const report = async (name: string) =>
    JSON.parse(await output(first(), `cat ${ours}/${name}.json`)) as Record<string, string>;
  const listed = async (pattern: string) =>
    (await output(first(), `k3s etcd-snapshot ls 2>/dev/null | tr -s ' ' | grep -E '${pattern}' || true`))
      .split("\n")
      .filter(Boolean);

  /** An `up` that succeeds, and the warnings that it gave. */
  const up = async (): Promise<string[]> => {
    const warnings: string[] = [];
    await cluster.operate("up", ({ diagnosticEvent }: EngineEvent) => {
      const { severity, message = "" } = diagnosticEvent ?? {};
      // the engine also warns of each provider that it finds on PATH
      if (severity === "warning" && !/from \$PATH/.test(message)) warnings.push(message.trim());
    });
    return warnings;
  };

  test("M4 a snapshot is here, in S3, and with its token on the machine where Pulumi runs", async () => {
    assert.deepEqual(await up(), []);
    const { file, sha256, s3 } = await report("first");
    const name = file!.split("/").at(-1)!;
    assert.equal(s3, `s3://${store.bucket}/${folder}/${name}`);
    assert.ok((await store.keys()).includes(`${folder}/${name}`));
    assert.equal((await listed(`^${name} `)).length, 2, "k3s lists it here and in S3");

    const directory = join(copies, "lab");
    const copy = join(directory, name);
    const sum = createHash("sha256")
      .update(await readFile(copy))
      .digest("hex");
    assert.equal(sum, sha256);
    const token = await output(first(), "cat /var/lib/rancher/k3s/server/token");
    assert.equal(await readFile(`${copy}.token`, "utf8"), token.trim());
    assert.equal((await stat(directory)).mode & 0o777, 0o700);
    for (const entry of await readdir(directory)) {
      assert.equal((await stat(join(directory, entry))).mode & 0o777, 0o600, entry);
    }
    const { onNode, offNode } = (await cluster.outputs()).backups as Backups;
    assert.ok(onNode!.ageSeconds < 300 && offNode!.ageSeconds < 300);
    assert.match(offNode!.place, /^s3:/);
  });

  test("S19 a second `up` changes nothing", async () => {
    unchanged(await cluster.operate("up"));
  });

  test("S37 the keys of S3 are in one root file of each server, and in the state only encrypted", async () => {
    for (const server of servers()) {
      const found = await server.exec(
        `grep -rlF -e "$(cat)" /etc /var/lib/homelab-k3s /var/log /tmp /root /proc/[0-9]*/cmdline 2>/dev/null
         journalctl --no-pager | grep -cF -e "$(sed -n 's/^etcd-s3-secret-key: //p' /etc/rancher/k3s/config.yaml)"
         stat -c %a /etc/rancher/k3s/config.yaml`,
        { stdin: store.secretKey },
      );
      assert.equal(found.stdout, "/etc/rancher/k3s/config.yaml\n0\n600\n", server.name);
    }
    const kept = join(cluster.lab.directory, pulumiDirectory);
    const found = await command("grep", ["-rlF", store.secretKey, kept], { allowFailure: true });
    assert.deepEqual([found.code, found.stdout], [1, ""]);
  });

  test("S30 an upload is cut: the `up` fails and says what to do, the snapshot stays on the node", async () => {
    store.link.cutAfter(200_000);
    await cluster.configure({ snapshots: ["first", "second"] });
    const said = await failedUp(rehearsal);
    assert.match(said, /the snapshot second is saved on this node with its token/);
    assert.match(said, /not in S3 \(bucket backups, folder clusters\/lab at \S+\): .*correct backup\.s3/);
    assert.equal((await report("second")).s3, undefined);
    await output(first(), `test -s ${ours}/second.token`);
    assert.ok(!(await store.keys()).some((key) => key.includes("/second-")));

    store.link.cutAfter(undefined);
    await up();
    const { file } = await report("second");
    assert.ok((await store.keys()).includes(`${folder}/${file!.split("/").at(-1)}`));
    assert.equal((await output(first(), `ls ${k3sOwn} | grep -c ^second-`)).trim(), "1");
  });

  test("S30 S3 is down: saving fails with the reason, deleting warns, and the age of backups is an alarm", async () => {
    await store.kill();
    await cluster.configure({ snapshots: ["first", "second", "third"] });
    const said = await failedUp(rehearsal);
    assert.match(said, /third is saved on this node.*not in S3/s);
    await cluster.configure({ snapshots: ["first"] });
    const warnings = (await up()).join("\n");
    assert.match(warnings, /server-1 at \S+: S3 \(bucket backups.*cannot be asked: .*correct backup\.s3/);
    const away = (await findingsOf(cluster)).find(({ check }) => check === "snapshot-away");
    assert.match(away!.found, /S3 \(bucket backups.*cannot be asked/);
    await output(first(), `test ! -e ${ours}/second`);
    const { onNode, offNode } = (await cluster.outputs()).backups as Backups;
    assert.ok(onNode !== null && offNode === null);
  });

  test("S30 the keys are wrong: S3's own words are in the error", async () => {
    await store.start({ ...store, secretKey: "another+key+of+the+store" });
    const { code, stderr } = await first().exec(
      "bash .homelab-k3s/node/k3s-node snapshot-save --name locked --keep-token --s3",
    );
    assert.equal(code, 1);
    assert.match(stderr, /locked is saved on this node.*not in S3.*signature/is);
    assert.ok(!stderr.includes(store.secretKey));
    await store.kill();
    await store.start();
  });

  test("M4 a copy that somebody took out of S3 is missed", async () => {
    const verify = () => first().exec("bash .homelab-k3s/node/k3s-node snapshot-verify --name first --s3");
    assert.equal((await verify()).code, 0);
    const [key] = (await store.keys()).filter((name) => name.includes("/first-"));
    await store.remove(key!);
    const { code, stderr } = await verify();
    assert.equal(code, 1);
    assert.match(stderr, /first is whole on this node, but its copy is not confirmed in S3.*not in the list/);
  });

  test("P5 prune leaves as many as it is told of one name, here and in S3, and nothing else goes", async () => {
    const before = await listed("^first-");
    for (const _ of [1, 2]) {
      // k3s saves one at a time, and the schedule may be at it
      await output(
        first(),
        "for _ in 1 2 3 4 5; do k3s etcd-snapshot save --name hand && break; sleep 3; done; sleep 1",
      );
    }
    assert.equal((await listed("^hand-.* file:")).length, 2);
    await output(first(), "k3s etcd-snapshot prune --name hand --etcd-snapshot-retention 1");
    assert.equal((await listed("^hand-.* file:")).length, 1);
    assert.equal((await listed("^hand-.* s3:")).length, 1);
    assert.deepEqual(await listed("^first-"), before);
  });

  test("P5 every server takes snapshots on the schedule and keeps as many as it shall; S3 too, in all", async () => {
    const scheduled = () =>
      Promise.all(
        servers().map((server) =>
          output(
            server,
            `journalctl -u k3s --output=cat | grep -cE 'Saving etcd snapshot to .*/etcd-snapshot-' || true`,
          ),
        ),
      );
    await waitFor(
      "two scheduled snapshots of each server",
      async () =>
        assert.ok(
          (await scheduled()).every((count) => Number(count) >= 2),
          String(await scheduled()),
        ),
      { timeoutMs: 130_000, everyMs: 2000 },
    );
    await waitFor(
      "one kept",
      async () => {
        for (const server of servers()) {
          assert.equal(
            (await output(server, `ls ${k3sOwn} | grep -c ^etcd-snapshot-`)).trim(),
            "1",
            server.name,
          );
        }
        assert.equal((await store.keys()).filter((key) => key.includes("/etcd-snapshot-")).length, 1);
      },
      { timeoutMs: 60_000 },
    );
  });

  test("P5 a snapshot that leaves the stack leaves the node and S3; the copy on this machine stays", async () => {
    const { file } = await report("first");
    await cluster.configure({ snapshots: [] });
    await up();
    await output(first(), `test ! -e ${ours}/first && test ! -e ${file} && test ! -e ${ours}/first.token`);
    assert.ok(!(await store.keys()).some((key) => key.includes("/first-")));
    await stat(join(copies, "lab", file!.split("/").at(-1)!));
  });

  test("M4 S30 the cluster goes back to a snapshot that is only in S3; wrong keys stop nothing", async () => {
    const key = (await store.keys()).find((one) => one.startsWith(`${folder}/hand-`))!;
    const snapshot = key.slice(folder.length + 1);
    await output(first(), `rm ${k3sOwn}/${snapshot}`);
    const later = "/api/v1/namespaces/default/configmaps";
    const body = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "later" } };
    await apiPatiently(await adminOf(cluster), "POST", later, body);
    const restore = { id: "out-of-s3", from: "s3", snapshot };
    const { accessKey, secretKey } = store;
    await cluster.configure({
      more: { backup, restore },
      secrets: { s3AccessKey: accessKey, s3SecretKey: "not-the-key" },
    });
    assert.match(await failedUp(rehearsal), /hand-\S+ in S3 .*refuses the keys \(HTTP 403\)/);
    await apiPatiently(await adminOf(cluster), "GET", `${later}/later`);
    await cluster.configure({ secrets: { s3AccessKey: accessKey, s3SecretKey: secretKey } });
    await up();
    votersAre(await membersOf(first()), serverNames);
    await assert.rejects(api(await adminOf(cluster), "GET", `${later}/later`), /404/);
    unchanged(await cluster.operate("preview"));
  });
});
