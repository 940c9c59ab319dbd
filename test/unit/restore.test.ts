import assert from "node:assert/strict";
import { test } from "node:test";
import { readStack } from "../../config/load.ts";
import { parseCluster } from "../../config/parse.ts";
import { exampleInput } from "./example.ts";

const problemsOf = (restore: unknown) =>
  parseCluster(exampleInput({ restore })).problems.map(({ path }) => path);

test("K5 a restore has an id, a place and a snapshot; a snapshot's default place is the first server", () => {
  const { config } = parseCluster(exampleInput({ restore: { id: "2026-11-20", snapshot: "nightly" } }));
  assert.deepEqual(config?.restore, { id: "2026-11-20", from: "node", snapshot: "nightly" });
  assert.deepEqual(problemsOf({ snapshot: "nightly" }), ["restore.id"]);
  assert.deepEqual(problemsOf({ id: "a", snapshot: "nightly", form: "file" }), ["restore.form"]);
  assert.deepEqual(problemsOf({ id: "a", snapshot: "nightly", from: "tape" }), ["restore.from"]);
});

test("K5 on the node a snapshot has a name or an absolute path", () => {
  assert.deepEqual(problemsOf({ id: "a", snapshot: "/var/lib/rancher/k3s/server/db/snapshots/x-1" }), []);
  assert.deepEqual(problemsOf({ id: "a", snapshot: "copies/x" }), ["restore.snapshot"]);
  assert.deepEqual(problemsOf({ id: "a", from: "file", snapshot: "copies/x" }), []);
});

test("K5 from S3 a key is wanted, and the store that it is in", () => {
  const inS3 = (snapshot: string, backup?: unknown) =>
    parseCluster(
      exampleInput({ restore: { id: "a", from: "s3", snapshot }, ...(backup ? { backup } : {}) }),
    ).problems.map(({ path }) => path);
  const backup = { s3: { bucket: "backups" } };
  assert.deepEqual(inS3("nightly-server-1-1795176000"), ["restore.from"]);
  assert.deepEqual(inS3("nightly-server-1-1795176000", backup), []);
  assert.deepEqual(inS3("2026/nightly", backup), []);
  assert.deepEqual(inS3("/nightly", backup), ["restore.snapshot"]);
});

test("S38 nothing that a shell could read passes as id or snapshot", () => {
  for (const word of ["$(id)", "a;b", "-x", "a b", "`x`", "a\nb", "../~"]) {
    assert.deepEqual(problemsOf({ id: "a", from: "file", snapshot: word }), ["restore.snapshot"], word);
    assert.ok(problemsOf({ id: word, snapshot: "x" }).includes("restore.id"), word);
  }
});

test("S06 the token of a snapshot must be encrypted, and is never shown", () => {
  const values = { "p:restoreToken": "short" };
  const { problems } = readStack("p", { values, isSecret: () => false });
  const own = problems.filter(({ path }) => path === "restoreToken");
  assert.equal(own.length, 2);
  assert.ok(!JSON.stringify(own).includes("short"));
});
