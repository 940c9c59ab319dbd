import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { release, stopAt, stopped } from "../../bench/interruptions/stop.ts";
import { killTree, startClient } from "../../lab/client-process.ts";
import { lostObjects, type Objects, objectsOf } from "../../lab/objects.ts";
import { votersAre } from "../../lab/proof.ts";
import { membersOf } from "../../measure/etcd.ts";
import type { Access } from "../../measure/kube.ts";
import { apiPatiently } from "../../measure/patient.ts";
import { waitFor } from "../../measure/wait.ts";
import { fill, installOld, settled } from "./old-k3s.ts";
import {
  adminOf,
  type Cluster,
  failedUp,
  nodeEntry,
  output,
  type Rehearsal,
  rehearse,
  skip,
  timeout,
} from "./support.ts";

/** What the old k3s was told, and the stack that says the same. */
const old = {
  args: ["--secrets-encryption", "--disable", "traefik"],
  env: "K3S_TOKEN=the-token-of-the-old-one\nK3S_KUBECONFIG_MODE=644\n",
  config: "node-label:\n  - kept=yes\ntls-san: [old.example.org]\n",
};
const same = { k3s: { disable: ["traefik"] }, tlsSans: ["old.example.org"] };

const database = "/var/lib/rancher/k3s/server/db";

describe("an existing k3s", { skip, timeout }, () => {
  let rehearsal: Rehearsal;
  let cluster: Cluster;
  let access: Access;
  let objects: Objects;

  before(async () => {
    rehearsal = await rehearse("mig", { servers: 3, agents: 0 });
    cluster = rehearsal.cluster;
    const k3s = rehearsal.prepared.release;
    [access] = await Promise.all([
      installOld(cluster.machine("server-1"), k3s, old),
      installOld(cluster.machine("server-3"), k3s),
    ]);
    await fill(access);
    objects = await settled(access);
  });
  after(() => rehearsal?.end());

  /** The stack's servers, with consent for some of them. */
  const consent = (existing: Readonly<Record<string, string>>) =>
    cluster.topology.servers.map(({ name }) =>
      nodeEntry(cluster, name, existing[name] ? { existing: existing[name] } : {}),
    );
  const both = () => ({ servers: consent({ "server-1": "adopt", "server-3": "replace" }) });

  /** The old k3s' files with their times, and since when it runs. */
  const untouched = () =>
    output(
      cluster.machine("server-1"),
      `find /etc /usr/local/bin/k3s /var/lib/rancher/k3s/server/token -type f -printf '%p %s %T@ %i\n' | sort
       systemctl show --property=ActiveState,ActiveEnterTimestampMonotonic,MainPID k3s`,
    );

  test("S15 without consent nothing is touched, and both ways are named", async () => {
    const was = await untouched();
    const message = await failedUp(rehearsal);
    assert.match(
      message,
      /server-[13]: .*did not install is here \(role server, datastore sqlite, version v1/,
    );
    assert.match(message, /existing: adopt .* existing: replace/s);
    assert.equal(await untouched(), was);
  });

  test("S15 a stack that would change its settings is refused with a list", async () => {
    const was = await untouched();
    await cluster.configure({ more: both() });
    const message = await failedUp(rehearsal);
    assert.match(
      message,
      /disable is traefik here and servicelb,traefik in the stack; tls-san has old\.example\.org here/,
    );
    assert.equal(await untouched(), was);
    await cluster.configure({ more: { ...both(), ...same } });
  });

  test("H2 a migration that fails goes back to SQLite, with everything there", async () => {
    const server = cluster.machine("server-1");
    const files = "cat /etc/systemd/system/k3s.service* /etc/rancher/k3s/config.yaml; ls -A /etc/rancher/k3s";
    const was = await output(server, files);
    // somebody else's etcd: k3s cannot start its own
    await output(
      server,
      "systemd-run --quiet --unit=other socat TCP-LISTEN:2379,fork,reuseaddr EXEC:/bin/cat",
    );
    const message = await failedUp(rehearsal);
    assert.match(message, /k3s could not move SQLite to etcd/);
    assert.match(message, /undone: .*the cluster is in SQLite again, as it was/);
    await output(server, "systemctl stop other");
    assert.equal(await output(server, files), was);
    assert.equal(
      await output(server, `systemctl is-active k3s; ls ${database}`),
      "active\nstate.db\nstate.db-shm\nstate.db-wal\n",
    );
    const back = await waitFor("the old API", () => objectsOf(access), { timeoutMs: 60_000 });
    assert.deepEqual(lostObjects(objects, back), []);
  });

  test("H2 S16 it is adopted as the first of three, interrupted twice, and no object is lost or another", async (t) => {
    const server = cluster.machine("server-1");
    await interrupted("end migrate", () => Promise.resolve());
    assert.equal(await output(server, "systemctl is-active k3s || true"), "inactive\n");
    await interrupted("end start", async () => {
      await server.powerOff();
      await server.start();
      await server.waitSsh();
    });
    await cluster.operate("up");
    const names = ["server-1", "server-2", "server-3"];
    for (const name of names) votersAre(await membersOf(cluster.machine(name)), names);
    const admin = await adminOf(cluster);
    const now = await objectsOf(admin);
    assert.deepEqual(lostObjects(objects, now), []);
    t.diagnostic(`${objects.size} objects before, all of them there among ${now.size}`);
    const node = await apiPatiently<{ metadata: { labels: Record<string, string> } }>(
      admin,
      "GET",
      "/api/v1/nodes/server-1",
    );
    assert.equal(node.metadata.labels.kept, "yes");
    const secret = await apiPatiently<{ data: { password: string } }>(
      admin,
      "GET",
      "/api/v1/namespaces/old/secrets/secret",
    );
    assert.equal(Buffer.from(secret.data.password, "base64").toString(), "of the old");
    assert.match(
      await output(server, "cat /var/lib/rancher/k3s/server/token"),
      /::server:the-token-of-the-old-one$/m,
    );
  });

  test("H2 nothing is left to do, and what the old ones had is kept for root only", async () => {
    const { changed } = await cluster.operate("up");
    assert.equal(changed, 0);
    await cluster.configure({ more: same });
    await cluster.operate("up");
    const kept = "cd /var/lib/homelab-k3s/migration && find . -not -type l -printf '%P %m\\n' | sort";
    const adopted = await output(cluster.machine("server-1"), kept);
    for (const file of [
      "db/state.db 600",
      "token 600",
      "k3s.service 600",
      "k3s.service.env 600",
      "config.yaml 600",
    ])
      assert.match(adopted, new RegExp(`^[0-9TZ]+/${file}$`, "m"));
    const replaced = await output(cluster.machine("server-3"), kept);
    for (const file of ["server/db/state.db 600", "server/token 600", "k3s.service 600"])
      assert.match(replaced, new RegExp(`^[0-9TZ]+/${file}$`, "m"));
    for (const listing of [adopted, replaced]) {
      assert.doesNotMatch(listing, /^open /m);
      for (const line of listing.trim().split("\n")) assert.match(line, /(^| )[67]00$/);
    }
  });

  /** Runs `up` until the first server's step stands at a point, ends the client, and lets something happen. */
  async function interrupted(point: string, happen: () => Promise<void>): Promise<void> {
    const server = cluster.machine("server-1");
    await stopAt(server, point);
    const client = startClient(cluster.lab.instance, rehearsal.prepared.env);
    await stopped(server, client.ended, timeout);
    // the step itself ends with its machine or is ended: a killed client leaves it running otherwise
    await killTree(client);
    await output(server, "pkill --signal KILL --full 'k3s-nod[e] server' || true");
    await happen();
    await release(server);
    // what waited at the point holds the node until it has seen that
    await output(server, "flock --timeout 60 /var/lib/homelab-k3s/lock true");
  }
});
