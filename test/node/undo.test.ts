import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { emptyRoot, functions } from "./shell.ts";

const config = "etc/rancher/k3s/config.yaml";

/** A run that writes a configuration, and then goes the given way. */
const run = (root: string, then: string, content = "new\n") =>
  functions(`begin_verb server; WANTED_CONFIG=$1; step config put_config; ${then}`, [content], root);

function rootWith(content?: string): string {
  const root = emptyRoot();
  mkdirSync(join(root, "etc/rancher/k3s"), { recursive: true });
  if (content !== undefined) writeFileSync(join(root, config), content, { mode: 0o644 });
  return root;
}

test("a failed run puts a file back as it was, and takes away one that was not there", async () => {
  const old = rootWith("old\n");
  const failed = await run(old, "die no luck");
  assert.equal(failed.code, 1);
  assert.equal(readFileSync(join(old, config), "utf8"), "old\n");
  const [begun, ...rest] = failed.stderr.trim().split("\n").slice(-3);
  assert.match(begun!, /: undoing: no luck$/);
  assert.match(rest[0]!, /: undone: /);
  assert.match(rest[1]!, /^\d\d:\d\d:\d\d \S+: error: no luck$/, "why it failed is what it says last");
  assert.match(failed.stderr, /undone: \S+config.yaml is again as it was. Log: \S+-server-\d+\.log/);

  const fresh = rootWith();
  assert.match((await run(fresh, "die no luck")).stderr, /undone: \S+config.yaml removed/);
  assert.ok(!existsSync(join(fresh, config)));
});

test("S16 what a killed run changed is still undone when the next run fails", async () => {
  const root = rootWith("old\n");
  await run(root, "kill -9 $$", "first\n");
  assert.equal(readFileSync(join(root, config), "utf8"), "first\n");
  const next = await run(root, "die no luck", "second\n");
  assert.match(
    next.stderr,
    /the step `server` begun at \S+ did not end \(last: end config\); going on from what is there/,
  );
  assert.equal(readFileSync(join(root, config), "utf8"), "old\n");
  assert.doesNotMatch((await run(root, "finish_step ok", "old\n")).stderr, /did not end/);
});

test("S09 a signal ends the run with its undo, a closed connection does not end it", async () => {
  const root = rootWith("old\n");
  const stopped = await run(root, "kill -TERM $$; pause 5; echo not reached");
  assert.equal(stopped.code, 1);
  assert.equal(stopped.stdout, "");
  assert.match(stopped.stderr, /ended by signal TERM/);
  assert.equal(readFileSync(join(root, config), "utf8"), "old\n");
  const deserted = await run(root, "exec 2>&-; kill -HUP $$; kill -PIPE $$; say on; echo reached");
  assert.equal(deserted.stdout, "reached\n");
});

test("S19 S37 a file is written only when it differs, whole, and for root only", async () => {
  const root = rootWith("same\n");
  const path = join(root, config);
  const before = statSync(path).mtimeMs;
  const second = await run(root, `finish_step ok; echo "\${#CHANGED[@]}"`, "same\n");
  assert.equal(second.stdout, "0\n");
  assert.equal(statSync(path).mtimeMs, before);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  await run(root, "finish_step ok", "other\n");
  assert.equal(readFileSync(path, "utf8"), "other\n");
  assert.equal(statSync(path).mode & 0o777, 0o600);
});

test("a service that a killed run had stopped for a moment counts as one that ran", async () => {
  const root = emptyRoot();
  const stop = `systemctl() { :; }; UNIT=k3s.service WAS_ACTIVE=yes; stop_for_now`;
  await functions(stop, [], root);
  const look = `STATE_WORD=other; observe_active; printf %s "$WAS_ACTIVE"`;
  assert.equal((await functions(look, [], root)).stdout, "yes");
  assert.equal((await functions(`forget_before; ${look}`, [], root)).stdout, "no");
});
