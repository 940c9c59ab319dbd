import assert from "node:assert/strict";
import { test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { projectRoot } from "../../components/scripts.ts";
import { canary } from "./answers.ts";
import { build, resolved, sshKey } from "./build.ts";
import { lineOf } from "./engine.ts";

const s3 = { endpoint: "s3.example.org", bucket: "backups" };
const servers = ["server-1", "server-2", "server-3"];

test("P5: every server's config.yaml has the schedule, and the keys of S3 on standard input only", async () => {
  const { resources } = await build({ backup: { schedule: "0 * * * *", s3 } });
  for (const server of servers) {
    const { inputs, secretInputs } = resources.named(`${server}-k3s`);
    assert.match(String(inputs.stdin), /etcd-snapshot-schedule-cron: 0 \* \* \* \*\n/);
    assert.match(String(inputs.stdin), new RegExp(`etcd-s3-secret-key: ${canary}S3Secret\n`));
    assert.ok(secretInputs.includes("stdin"));
  }
});

test("S37: no S3 key stands anywhere but in standard input, and agents have none", async () => {
  const { resources } = await build({ backup: { s3, copyTo: "backups" }, snapshots: ["mine"] });
  for (const resource of resources.all) {
    for (const [key, value] of Object.entries(resource.inputs)) {
      if (!JSON.stringify(value)?.includes(`${canary}S3`)) continue;
      assert.equal(key, "stdin", resource.name);
      assert.ok(resource.secretInputs.includes(key), resource.name);
      assert.doesNotMatch(resource.name, /agent/);
    }
  }
});

test("M4: with S3 a snapshot is saved and verified there too; deleting needs no word about it", async () => {
  const { resources } = await build({ backup: { s3 }, snapshots: ["mine"] });
  const { inputs } = resources.named("cluster-snapshot-mine-save");
  assert.match(String(inputs.create), /snapshot-save --name mine --s3 --keep-token -$/);
  assert.match(String(inputs.update), /snapshot-verify --name mine --s3 -$/);
  assert.match(String(inputs.delete), /snapshot-delete .*--name mine$/);
});

test("M4: copyTo copies each snapshot into the stack's own directory, and nothing deletes the copy", async () => {
  const { resources } = await build({ backup: { copyTo: "backups" }, snapshots: ["mine"] });
  const copy = resources.named("cluster-snapshot-mine-copy");
  assert.match(lineOf(copy), / components\/snapshot-copy\.ts # for mine$/);
  assert.equal(copy.inputs.delete, undefined);
  assert.ok(resources.waits(copy.name, "cluster-snapshot-mine-save"));
  assert.ok(copy.secretInputs.includes("stdin"));
  const input = JSON.parse(String(copy.inputs.stdin)) as Record<string, string>;
  assert.equal(input.directory, `${projectRoot}/backups/lab`);
  assert.equal(JSON.parse(input.request!).privateKey, sshKey);
  assert.equal(JSON.parse(input.report!).name, "mine");
});

test("M4: without copyTo nothing is copied", async () => {
  const { resources } = await build({ snapshots: ["mine"] });
  assert.ok(!resources.all.some(({ name }) => name.endsWith("-copy")));
});

test("S30: the age of the newest snapshots is an output, looked at after everything else", async () => {
  const { result: cluster, resources } = await build({ backup: { s3 }, snapshots: ["mine"] });
  for (const before of ["cluster-verify", "cluster-snapshot-mine-save"]) {
    assert.ok(resources.waits("cluster-backups", before));
  }
  assert.match(lineOf(resources.named("cluster-backups")), / backups .*--name server-1 --s3 /);
  assert.ok(!(await pulumi.isSecret(cluster.backups)));
  const { onNode, offNode } = await resolved(cluster.backups);
  assert.equal(onNode?.ageSeconds, 3600);
  assert.equal(offNode, null);
});

test("S30: a new snapshot is looked at again, a changed lane of agents is not", async () => {
  const look = async (more: object) => {
    const { resources } = await build({ ...more });
    return resources.named("cluster-backups").inputs.create;
  };
  const before = await look({ snapshots: ["a"] });
  assert.notEqual(await look({ snapshots: ["a", "b"] }), before);
  assert.equal(await look({ snapshots: ["a"], agentsParallel: 2 }), before);
});
