import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { functions, put, rootWith, verb } from "./shell.ts";

const marker = "etc/rancher/k3s/.homelab-k3s";
const unit = "etc/systemd/system/k3s-agent.service";
const own = (more: object) =>
  JSON.stringify({ installedBy: "homelab-k3s", node: "tower", role: "agent", ...more });
const remove = (root: string, ...more: string[]) =>
  verb(root, ["remove", "--name", "tower", "--role", "agent", ...more]);

test("H3 an entry that was replaced by another of the same machine takes nothing away", async () => {
  for (const [there, flags] of [
    [{ partTime: true }, []],
    [{}, ["--part-time"]],
  ] as const) {
    const root = rootWith({ [marker]: own(there), [unit]: "[Unit]\n" });
    const { code, stdout, stderr } = await remove(root, ...flags);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /nothing is removed/);
    assert.deepEqual(JSON.parse(stdout).changed, []);
    assert.ok(existsSync(join(root, unit)));
  }
});

test("H3 the mark of a node says whether it comes and goes, and is written anew when that changes", async () => {
  const root = rootWith({});
  const mark = (partTime: string) =>
    functions(
      'ARG[name]=tower; [[ -z $1 ]] || ARG[part-time]=yes; act() { :; }; put_marker agent; comes_and_goes; echo "$REPLY"',
      [partTime],
      root,
    );
  put(root, "etc/rancher/k3s/config.yaml", "");
  assert.equal((await mark("yes")).stdout.trim(), "yes");
  const written = readFileSync(join(root, marker), "utf8");
  assert.equal((await mark("yes")).stdout.trim(), "yes");
  assert.equal(readFileSync(join(root, marker), "utf8"), written);
  assert.equal((await mark("")).stdout.trim(), "no");
});
