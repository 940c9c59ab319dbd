import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { functions } from "./shell.ts";

const etcd = readFileSync(new URL("./fake-etcd.sh", import.meta.url), "utf8");

const defrag = (before: string, flags: string) =>
  functions(`${etcd}\n${before}\ntrap 'cat asked >&2' EXIT\nverb_defrag --name a ${flags}`);

test("a leader hands its office over, is rewritten, and says what that gave", async () => {
  const { code, stdout, stderr } = await defrag("", "");
  assert.equal(code, 0, stderr);
  const { movedTo, before, after, inUse, pauseMs } = JSON.parse(stdout);
  assert.deepEqual([movedTo, before, after, inUse], ["b", 1000, 1000, 100]);
  assert.ok(pauseMs >= 0 && pauseMs < 5_000);
  const asked = stderr.split("\n").filter((line) => /^(Maintenance\/(MoveLeader|Defragment)|KV)/.test(line));
  assert.deepEqual(asked, ["Maintenance/MoveLeader 0802", "Maintenance/Defragment "]);
});

test("one that does not lead is only rewritten", async () => {
  const { stdout, stderr } = await defrag("LEADER=3", "");
  assert.equal(JSON.parse(stdout).movedTo, null);
  assert.doesNotMatch(stderr, /MoveLeader/);
});

test("a full database gives up its history first, and its alarm is taken back after", async () => {
  const { code, stderr } = await defrag(
    "LEADER=3 ALARM_KIND=1 COMPLAINT='memberID:2 alarm:NOSPACE '",
    "--compact --disarm",
  );
  assert.equal(code, 0, stderr);
  const asked = stderr.split("\n").filter((line) => /^(Maintenance\/(Defragment|Alarm 0802)|KV)/.test(line));
  assert.deepEqual(asked, [
    "KV/Compact 08071001",
    "Maintenance/Defragment ",
    "Maintenance/Alarm 080210021801",
  ]);
});

test("M3 refused before anything is touched", async () => {
  const rows = [
    ["LEARNER=3", /c-33333333 at 192.0.2.3 is a learner/],
    ["DEAF=192.0.2.2", /b-22222222 at 192.0.2.2: no answer/],
    ["COMPLAINT='etcdserver: no leader'", /etcdserver: no leader/],
    ["ALARM_KIND=2 COMPLAINT='memberID:2 alarm:CORRUPT '", /CORRUPT/],
    ["ALARM_KIND=2", /an alarm that a defragmentation does not mend: 2 CORRUPT/],
    ["FREE=99", /make room first/],
  ] as const;
  for (const [state, reason] of rows) {
    const { code, stderr } = await defrag(state, "");
    assert.equal(code, 3, `${state}: ${stderr}`);
    assert.match(stderr, reason);
    assert.doesNotMatch(stderr, /^(Maintenance\/(Defragment|MoveLeader)|KV)/m);
  }
});

test("members: what etcd says, an alarm among it", async () => {
  const { code, stdout, stderr } = await functions(
    `${etcd}\nALARM_KIND=1 COMPLAINT='memberID:2 alarm:NOSPACE ' LEARNER=3\nverb_members --name a`,
  );
  assert.equal(code, 0, stderr);
  const { leader, members, alarms, version, bytes } = JSON.parse(stdout);
  assert.deepEqual([leader, alarms, version, bytes], ["a", ["NOSPACE"], "3.6.5", 1000]);
  assert.deepEqual(members[2], { node: "c", address: "192.0.2.3", voter: false });
});

test("cut-off: the timer that ends it is set before the first packet is dropped", async () => {
  const body = `
nft() { if [[ $1 == -f ]]; then echo "nft rules:"; cat; else echo "nft $*"; fi >&2; }
systemd-run() { echo "systemd-run $*" >&2; }
systemctl() { echo "systemctl $*" >&2; }
command() { echo nft; }
verb_cut_off --name a --peer b=192.0.2.2 --peer c=2001:db8::3 --seconds 30`;
  const { code, stdout, stderr } = await functions(body);
  assert.equal(code, 0, stderr);
  assert.deepEqual(JSON.parse(stdout), { node: "a", seconds: 30 });
  assert.ok(stderr.indexOf("--on-active=30s") < stderr.indexOf("nft rules:"), stderr);
  for (const rule of [
    "ip saddr { 192.0.2.2 } drop",
    "ip daddr { 192.0.2.2 } drop",
    "ip6 saddr { 2001:db8::3 } drop",
  ])
    assert.ok(stderr.includes(rule), rule);
});

test("cut-off: without a timer nothing is dropped", async () => {
  const body = `
nft() { echo "nft $*" >&2; }
systemd-run() { return 1; }
systemctl() { :; }
command() { echo nft; }
verb_cut_off --name a --peer b=192.0.2.2 --seconds 30`;
  const { code, stderr } = await functions(body);
  assert.equal(code, 3);
  assert.doesNotMatch(stderr, /nft -f/);
});
