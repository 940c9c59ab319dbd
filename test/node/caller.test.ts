import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { scriptsDirectory } from "../../components/scripts.ts";
import { emptyRoot, functions, put } from "./shell.ts";

const state = "var/lib/homelab-k3s";
const started: ChildProcess[] = [];
after(() => {
  for (const child of started) child.kill("SIGKILL");
});

/**
 * A run of the scripts below a process that stands for sshd's: the run below has a connection in its environment, the
 * process itself has none. Its end is the end of the connection, whose pipes nobody reads any more.
 */
function connection(root: string, body: string): ChildProcess {
  const source = `set -uo pipefail; for file in ${scriptsDirectory}/lib/*.sh ${scriptsDirectory}/verbs/*.sh; do source "$file"; done`;
  const login = `CALLER_GONE=3; NODE_NAME=kai UNIT=k3s.service; begin_verb server; echo held >"$K3S_NODE_ROOT/held"; act
    on_failure touch "$K3S_NODE_ROOT/undone"; ${body}; forget_before; finish_step ok`;
  const child = spawn(
    "bash",
    [
      "--norc",
      "-c",
      'SSH_CONNECTION="192.0.2.9 5 192.0.2.11 22" bash --norc -c "$0"; true',
      `${source}\n${login}`,
    ],
    {
      env: { PATH: process.env.PATH, K3S_NODE_ROOT: root },
      cwd: root,
    },
  );
  started.push(child);
  return child;
}

async function until(what: string, met: () => boolean, seconds = 12): Promise<void> {
  const deadline = Date.now() + seconds * 1000;
  while (!met()) {
    assert.ok(Date.now() < deadline, `not within ${seconds} s: ${what}`);
    await sleep(50);
  }
}

const held = (root: string) => until("it holds the node", () => existsSync(join(root, "held")));
const ended = (root: string) => / ended \w+\n$/.test(readFileSync(join(root, state, "step"), "utf8"));
const log = (root: string) =>
  readdirSync(join(root, state, "log"))
    .map((name) => readFileSync(join(root, state, "log", name), "utf8"))
    .join("");

test("S09 a run whose caller was killed is undone within its bound, and the next one is told and waits so long", async () => {
  const root = emptyRoot();
  const caller = connection(root, 'say working; until false; do pause 0.2; say "still working"; done');
  await held(root);
  caller.kill("SIGKILL");
  await until("the holder is marked", () =>
    /caller is gone/.test(readFileSync(join(root, state, "holder"), "utf8")),
  );
  const next = await functions("take_lock remove; echo got", [], root);
  assert.equal(next.stdout, "got\n");
  assert.match(
    next.stderr,
    /waiting up to 3\d\d s: this node is held by \S+ from 192\.0\.2\.9: server, since .*; its caller is gone since \d\d:\d\d:\d\d UTC, so it ends within 3 s/,
  );
  assert.ok(existsSync(join(root, "undone")));
  assert.match(log(root), /undoing: its caller has been gone for 3 s, and it has not ended\n.*undone: /s);
  assert.match(readFileSync(join(root, state, "step"), "utf8"), / ended undone\n$/);
});

test("S09 what is nearly done is finished after the caller has gone", async () => {
  const root = emptyRoot();
  const caller = connection(root, "for ((i = 0; i < 20; i++)); do pause 0.2; done");
  await held(root);
  caller.kill("SIGKILL");
  await until("it ended", () => ended(root));
  assert.match(readFileSync(join(root, state, "step"), "utf8"), / ended ok\n$/);
  assert.ok(!existsSync(join(root, "undone")));
});

test("S09 a command that waits for others is ended with it, and one that installs packages is waited for", async () => {
  const slow = async (body: string) => {
    const root = emptyRoot();
    put(root, "usr/local/bin/k3s", "#!/bin/sh\nsleep 60\n", 0o755);
    const caller = connection(root, body);
    await held(root);
    caller.kill("SIGKILL");
    await until("it ended", () => ended(root), 20);
    assert.ok(existsSync(join(root, "undone")), log(root));
    return root;
  };
  await slow('said=$(timeout 300 "$K3S" etcd-snapshot save 2>&1 9>&-) || die "k3s could not save"');
  const root = await slow('timeout 300 sh -c "sleep 9; touch installed"');
  assert.ok(existsSync(join(root, "installed")));
});

test("a run whose caller lives takes its time, leaves no watcher, and says nothing of it", async () => {
  const root = emptyRoot();
  const caller = connection(
    root,
    'echo "$WATCHER" >"$K3S_NODE_ROOT/watcher"; for ((i = 0; i < 35; i++)); do pause 0.2; done',
  );
  await new Promise((resolve) => caller.once("exit", resolve));
  assert.match(readFileSync(join(root, state, "step"), "utf8"), / ended ok\n$/);
  assert.doesNotMatch(log(root), /caller/);
  const watcher = `/proc/${readFileSync(join(root, "watcher"), "utf8").trim()}`;
  await until("the watcher ended", () => !existsSync(watcher), 4);
});

test("a run in a terminal that outlives its connection, or of systemd's, has no caller to lose", async () => {
  const body = `caller_lives && echo "<$SERVED_BY>"`;
  const { stdout } = await functions(
    `look_at_process() { [[ $1 == $$ ]] && REPLY="1 5"; }; find_caller; ${body}`,
    [],
    emptyRoot(),
  );
  assert.equal(stdout, "<>\n");
});
