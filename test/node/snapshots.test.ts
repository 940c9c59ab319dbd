import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { emptyRoot, functions } from "./shell.ts";

const ours = "var/lib/homelab-k3s/snapshots";
const k3sOwn = "var/lib/rancher/k3s/server/db/snapshots";

/** What an etcd database begins with. */
const database = `printf '0123456789abcdef\\xed\\xda\\x0c\\xed'`;

/** A server whose k3s answers `etcd-snapshot save` with the given shell text; FILE is where the snapshot belongs. */
function serverWith(save: string): string {
  const root = emptyRoot();
  for (const directory of ["usr/local/bin", k3sOwn, ours])
    mkdirSync(join(root, directory), { recursive: true });
  writeFileSync(join(root, "var/lib/rancher/k3s/server/token"), "K10secret\n");
  const script = `#!/bin/bash
FILE=${join(root, k3sOwn)}/$4-kai-1700000000
case $2 in save) ${save} ;; delete) rm -f -- "${join(root, k3sOwn)}/$3" ;; esac\n`;
  writeFileSync(join(root, "usr/local/bin/k3s"), script, { mode: 0o755 });
  return root;
}

/** The step on a living member that is about to change; systemd and etcd say that all is well. */
const step = (root: string, then = "") =>
  functions(
    `is_voter_now() { ETCD_REVISION=42; }; will_change() { :; }
     MEMBERSHIP=member WAS_ACTIVE=yes; mkdir -p "$STATE"; snapshot_before; ${then}`,
    [],
    root,
  );

test("a member that is about to change saves a snapshot with its token sealed beside it", async () => {
  const root = serverWith(`${database} >"$FILE"`);
  const { code, stderr } = await step(root);
  assert.equal(code, 0, stderr);
  const [copy, json, token] = readdirSync(join(root, ours)).sort() as [string, string, string];
  assert.match(copy, /^before-\d{8}-\d{6}$/);
  assert.deepEqual([json, token], [`${copy}.json`, `${copy}.token`]);
  assert.equal(readFileSync(join(root, ours, token), "utf8"), "K10secret");
  for (const file of [json, token]) assert.equal(statSync(join(root, ours, file)).mode & 0o777, 0o600);
  const { name, bytes, revision } = JSON.parse(readFileSync(join(root, ours, json), "utf8"));
  assert.deepEqual([name, bytes, revision], [copy, 20, 42]);
  assert.match(stderr, new RegExp(`saved the snapshot ${copy}`));
});

for (const [what, save, says] of [
  ["k3s cannot save it", "echo 'level=fatal msg=\"disk full\"' >&2; exit 1", /disk full/],
  ["k3s says yes and saves nothing", "true", /there is no such file/],
  [
    "what was saved is no database",
    `echo nonsense, and more than twenty bytes >"$FILE"`,
    /not an etcd database/,
  ],
] as const) {
  test(`nothing is touched without a snapshot: ${what}`, async () => {
    const { code, stderr } = await step(serverWith(save), "echo went on");
    assert.equal(code, 3);
    assert.match(stderr, /refused: a snapshot must be saved before this server is changed/);
    assert.match(stderr, says);
  });
}

test("a node that is no member, does not run or will not change saves none", async () => {
  for (const facts of ["MEMBERSHIP=join", "WAS_ACTIVE=no", "will_change() { return 1; }"]) {
    const root = serverWith("exit 1");
    const { code } = await functions(
      `will_change() { :; }; MEMBERSHIP=member WAS_ACTIVE=yes; ${facts}; snapshot_before`,
      [],
      root,
    );
    assert.equal(code, 0, facts);
    assert.deepEqual(readdirSync(join(root, ours)), []);
  }
});

test("the newest five from before a change are kept, k3s' own file and ours; others are nobody's business", async () => {
  const root = serverWith("exit 1");
  const stamps = [1, 2, 3, 4, 5, 6, 7].map((day) => `before-2026010${day}-120000`);
  for (const name of stamps) {
    const own = join(root, k3sOwn, `${name}-kai-1700000000`);
    writeFileSync(own, "x");
    for (const end of ["", ".token"]) writeFileSync(join(root, ours, name + end), "x");
    writeFileSync(join(root, ours, `${name}.json`), `{"name":"${name}","file":"${own}"}`);
  }
  const others = ["before-upgrade", "weekly"];
  for (const name of others) writeFileSync(join(root, ours, name), "x");
  // a run that was killed left k3s' file only
  writeFileSync(join(root, k3sOwn, "before-20250101-000000-kai-1600000000"), "x");
  await functions("prune_before", [], root);
  const kept = stamps.slice(2);
  const all = kept.flatMap((name) => [name, `${name}.json`, `${name}.token`]);
  assert.deepEqual(readdirSync(join(root, ours)).sort(), [...all, ...others].sort());
  assert.deepEqual(
    readdirSync(join(root, k3sOwn)).sort(),
    kept.map((name) => `${name}-kai-1700000000`),
  );
  assert.ok(!existsSync(join(root, k3sOwn, "before-20250101-000000-kai-1600000000")));
});
