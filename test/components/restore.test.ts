import assert from "node:assert/strict";
import { test } from "node:test";
import type { DownloadInput } from "../../components/restore-download.ts";
import { serverInputs } from "../unit/example.ts";
import { canary } from "./answers.ts";
import { build } from "./build.ts";
import { inputOf, lineOf } from "./engine.ts";

const restore = { id: "r1", snapshot: "before-upgrade" };
const name = "cluster-restore-r1";
const others = ["server-2", "server-3"];

test("K5 S28 checked first, then every other server is halted, then the first one is restored", async () => {
  const { resources } = await build({ restore }, { stepMs: 3 });
  for (const node of ["server-1", "server-2", "server-3", "agent-1"]) {
    assert.ok(resources.waits(`${name}-check`, `${node}-fetch`), `${node} is fit and has its release`);
  }
  for (const node of others) {
    assert.ok(resources.waits(`${name}-halt-${node}`, `${name}-check`));
    assert.ok(resources.waits(`${name}-run`, `${name}-halt-${node}`));
  }
  assert.ok(resources.most(others.map((node) => `${name}-halt-${node}`)) > 1, "halted at the same time");
  assert.ok(resources.waits("server-1-k3s", `${name}-run`));
  assert.ok(!resources.all.some((one) => one.name === `${name}-halt-server-1`));
});

test("S29 only the create of a step begins a restore; an update goes on with what was begun", async () => {
  const { resources } = await build({ restore });
  for (const step of ["check", "halt-server-2", "run"]) {
    const { create, update, delete: remove } = resources.named(`${name}-${step}`).inputs;
    assert.doesNotMatch(String(create), /--again/);
    assert.match(String(update), / --again -$/);
    assert.equal(remove, undefined, "dropping it touches nothing");
  }
});

test("K5 every node's step runs once more, and the first server's identity is read again", async () => {
  const [before, after] = [(await build()).resources, (await build({ restore })).resources];
  for (const step of ["server-1-k3s", "server-3-k3s", "agent-1-k3s"]) {
    assert.match(lineOf(after.named(step), "update"), / --restored r1 /);
    assert.doesNotMatch(lineOf(before.named(step), "update"), /restored/);
  }
  for (const step of ["cluster-identity", "cluster-kubeconfig", "cluster-verify"]) {
    assert.notEqual(after.named(step).inputs.update, before.named(step).inputs.update);
  }
});

test("M4 a file from here is uploaded once all machines are fit, and every machine is named by its id", async () => {
  const { resources } = await build({ restore: { ...restore, from: "file", snapshot: "./copies/last" } });
  const upload = resources.named(`${name}-upload`);
  assert.equal(upload.inputs.remotePath, ".homelab-k3s/restore-r1");
  assert.ok(resources.waits(upload.name, "server-3-fetch"));
  const run = resources.named(`${name}-run`);
  assert.match(lineOf(run), / --snapshot \.homelab-k3s\/restore-r1 /);
  assert.equal(lineOf(run).match(/--node \S+=[0-9a-f]{32}/g)?.length, 4);
  assert.match(inputOf(run), new RegExp(`^token: ${canary}server\n---\n`));
});

test("M4 what is in S3 is brought to the first server once all machines are fit", async () => {
  const { resources } = await build({
    restore: { ...restore, from: "s3" },
    backup: { s3: { bucket: "backups" } },
  });
  const download = resources.named(`${name}-download`);
  assert.ok(resources.waits(download.name, "server-3-fetch"));
  assert.ok(resources.waits(`${name}-check`, download.name));
  const { object, path } = JSON.parse(String(download.inputs.stdin)) as DownloadInput;
  assert.equal(object.name, "before-upgrade");
  assert.match(object.secretKey, new RegExp(canary));
  assert.match(lineOf(resources.named(`${name}-check`)), new RegExp(` --snapshot ${path}`));
  assert.doesNotMatch(lineOf(download), new RegExp(canary));
});

test("S24 a lost server is neither reached nor halted; it is forgotten once the others have the snapshot's data", async () => {
  const servers = serverInputs(3).map((node, index) => (index === 1 ? { ...node, lost: true } : node));
  const { resources } = await build({ restore, servers });
  assert.ok(!resources.all.some((one) => one.name === `${name}-halt-server-2`));
  assert.ok(resources.waits(`${name}-run`, `${name}-halt-server-3`));
  const forget = resources.custom.find(({ inputs }) => / forget /.test(String(inputs.create)));
  assert.ok(forget && resources.waits(forget.name, `${name}-run`));
});
