import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { emptyRoot, functions, put, replies } from "./shell.ts";

const kubelet =
  'time="2026-11-29T10:00:05Z" level=error msg="Shutdown request received: \\"kubelet exited: kubelet is configured to not run on a host using cgroup v1\\""';
const containerd =
  'time="2026-11-29T10:00:01Z" level=error msg="Shutdown request received: \\"containerd exited: exit status 2\\""';

test("S42: the words of a death are those of its first cause, not of what followed", async () => {
  const rows = [
    [`${kubelet}\ntime="x" level=fatal msg="Error: later"`],
    [
      'time="x" level=warning msg="w"\ntime="x" level=fatal msg="/a/cred/passwd newer than datastore and could"',
    ],
    ["panic: runtime error\n\ngoroutine 1"],
    ["flag provided but not defined: -no-such"],
    [""],
  ];
  assert.deepEqual(await replies("words_of_death", rows), [
    "kubelet exited: kubelet is configured to not run on a host using cgroup v1",
    "/a/cred/passwd newer than datastore and could",
    "panic: runtime error",
    "flag provided but not defined: -no-such",
    "",
  ]);
});

/** Shows a wait a row of what systemd says, `STATE INVOCATION RESTARTS`, and tells when it gives up and why. */
async function watched(looks: readonly string[], journal = kubelet, root = emptyRoot()) {
  const body = `UNIT=k3s.service LOG_FILE=$ROOT/run.log
    journalctl() { [[ $1 == _SYSTEMD_INVOCATION_ID=a ]] || exit 9; echo '${journal}'; }; journal() { echo "$LATEST"; }
    LATEST='${journal}'; watch_deaths old; for look in "$@"; do read -r STATE_WORD INVOCATION RESTARTS <<<"$look"; died_often && echo "$look: $REPLY"; done`;
  const { stdout, stderr } = await functions(body, looks, root);
  assert.equal(stderr, "");
  return stdout.trim();
}

test("S42: a service that was ready and ends is given up after its second end, with the first words of the first", async () => {
  const cause = "kubelet exited: kubelet is configured to not run on a host using cgroup v1";
  assert.equal(
    await watched([
      "active old 7",
      "activating a 0",
      "active a 0",
      "activating b 1",
      "active b 1",
      "activating c 2",
    ]),
    `activating c 2: k3s.service ended 2 times and does not stay up; at first it said: ${cause}`,
  );
});

test("S42: one that never was ready is given up after its third end", async () => {
  const looks = ["activating a 0", "activating b 1", "activating c 2", "activating d 3"];
  assert.match(await watched(looks), /^activating d 3: k3s\.service ended 3 times/);
  assert.equal(await watched(looks.slice(0, 3)), "");
});

test("S42: what ends by itself is waited for, but not once k3s was ready", async () => {
  const joining = 'level=fatal msg="etcd cluster join failed: too many learner members"';
  assert.equal(await watched(["activating a 0", "activating d 9"], joining), "");
  assert.match(await watched(["active a 0", "activating d 9"], joining), /ended 9 times/);
});

test("S42: deaths from before this run do not count", async () => {
  assert.equal(await watched(["activating old 80", "activating a 81", "active b 82"]), "");
});

test("S42: journal and containerd's log of the first death are kept where no undo takes them away", async () => {
  const root = emptyRoot();
  put(
    root,
    "var/lib/rancher/k3s/agent/containerd/containerd.log",
    'level=error msg="bad"\ncontainerd: invalid plugin\n',
  );
  const said = await watched(["activating a 0", "activating b 3"], containerd, root);
  assert.match(said, /containerd exited: exit status 2 \(containerd: invalid plugin\)/);
  assert.deepEqual(readdirSync(root).sort(), ["run.containerd", "run.k3s", "var"]);
  assert.match(readFileSync(join(root, "run.k3s"), "utf8"), /containerd exited/);
});
