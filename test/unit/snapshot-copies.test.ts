import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { copySnapshot, isMissing } from "../../components/snapshot-copies.ts";

const root = mkdtempSync(join(tmpdir(), "copies-"));
after(() => rmSync(root, { recursive: true, force: true }));
let count = 0;
const place = () => join(root, String(++count), "stack");

const content = "an etcd database";
const sha256 = createHash("sha256").update(content).digest("hex");
const file = "/var/lib/rancher/k3s/server/db/snapshots/mine-server-1-1700000000";
const report = (more: object = {}) =>
  JSON.stringify({ node: "server-1", name: "mine", file, sha256, bytes: content.length, ...more });

/** A node that has a snapshot, and counts what is fetched. */
function node(snapshot = content) {
  const fetched: string[] = [];
  const files: Record<string, string> = { mine: snapshot, "mine.token": "K10secret", "mine.json": "{}" };
  const fetch = async (path: string, to: string) => {
    const name = path.replace("/var/lib/homelab-k3s/snapshots/", "");
    fetched.push(name);
    const text = files[name]!;
    writeFileSync(to, text, { mode: 0o600 });
    return { sha256: createHash("sha256").update(text).digest("hex"), bytes: text.length };
  };
  return { fetch, fetched };
}

test("M4 a snapshot arrives with its token beside it, for its owner's eyes only", async () => {
  const directory = place();
  const { fetch, fetched } = node();
  const copy = await copySnapshot(report(), directory, fetch);
  assert.equal(copy.file, join(directory, "mine-server-1-1700000000"));
  assert.equal(readFileSync(copy.file, "utf8"), content);
  assert.equal(readFileSync(`${copy.file}.token`, "utf8"), "K10secret");
  assert.equal(statSync(directory).mode & 0o777, 0o700);
  for (const name of readdirSync(directory))
    assert.equal(statSync(join(directory, name)).mode & 0o777, 0o600);
  assert.equal(fetched.at(-1), "mine", "the snapshot last: where it is, its token is");
});

test("M4 a copy that is whole is not fetched again", async () => {
  const directory = place();
  await copySnapshot(report(), directory, node().fetch);
  const again = node();
  await copySnapshot(report(), directory, again.fetch);
  assert.deepEqual(again.fetched, []);
});

test("S30 what arrives cut leaves no snapshot behind", async () => {
  const directory = place();
  await assert.rejects(copySnapshot(report(), directory, node("an etcd").fetch), /mine: 7 bytes with sha256/);
  assert.deepEqual(
    readdirSync(directory).filter((name) => name.endsWith("1700000000") || name.endsWith(".part")),
    [],
  );
});

test("M4 another file of that name is left as it is", async () => {
  const directory = place();
  const { file: target } = await copySnapshot(report(), directory, node().fetch);
  writeFileSync(target, "precious");
  await assert.rejects(copySnapshot(report(), directory, node().fetch), /left as it is: move it away/);
  assert.equal(readFileSync(target, "utf8"), "precious");
});

test("S25 a snapshot that its server does not have is told from one that can be copied", () => {
  assert.ok(isMissing('{"name":"mine","missing":true}'));
  assert.ok(!isMissing(report()));
});

test("S38 a node's report cannot name other places, here or there", async () => {
  for (const more of [
    { name: "../x" },
    { file: "/a/../../etc/passwd-1;x" },
    { file: "relative" },
    { sha256: "" },
  ]) {
    const { fetch, fetched } = node();
    await assert.rejects(copySnapshot(report(more), place(), fetch));
    assert.deepEqual(fetched, []);
  }
});
