import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { readCheckup } from "../../ops/doctor/facts.ts";
import { emptyRoot, functions, put, verb } from "./shell.ts";

const nonce = "ab".repeat(32);

/** A root with `run`, as every machine has it. */
function machine(): string {
  const root = emptyRoot();
  for (const directory of ["run", "proc/net"]) mkdirSync(join(root, directory), { recursive: true });
  return root;
}

const checkup = async (root: string, ...flags: string[]) => {
  const args = ["--name", "server-1", "--role", "server", "--address", "192.0.2.11", "--nonce", nonce];
  const { code, stdout, stderr } = await verb(root, ["checkup", ...args, ...flags]);
  assert.equal(code, 0, stderr);
  return readCheckup("server-1", stdout);
};

test("a machine without k3s answers, and leaves nothing behind", async () => {
  const root = machine();
  const facts = await checkup(root, "--vip", "192.0.2.10", "--services", "no-such-service");
  assert.equal(facts.service.role, "none");
  assert.equal(facts.service.matches, false);
  assert.equal(facts.files.config, null);
  assert.equal(facts.binary?.sha256, null);
  assert.deepEqual(facts.etcd?.members, []);
  assert.match(facts.etcd?.problem ?? "", /no etcd credentials/);
  assert.notEqual(facts.machine.services["no-such-service"], "active");
  assert.ok(facts.machine.disks.length > 0);
  const { stdout } = await functions(
    'find "$K3S_NODE_ROOT/run" "$STATE" 2>/dev/null | grep -c homelab',
    [],
    root,
  );
  assert.equal(stdout, "0\n");
});

test("secrets never leave a node: tokens become digests of this one look, and loose files are named", async () => {
  const root = machine();
  const token = `K10${"0".repeat(64)}::server:CanaryPassword`;
  put(
    root,
    "etc/rancher/k3s/config.yaml",
    "agent-token: CanaryAgent\nnode-name: server-1\netcd-s3-secret-key: CanaryKey\n",
  );
  put(root, "etc/rancher/k3s/config.yaml.d/10-join.yaml", 'token: "CanaryPassword"\n');
  put(root, "etc/rancher/k3s/config.yaml.d/99-mine.yaml", "debug: true\n");
  put(root, "var/lib/rancher/k3s/server/token", token, 0o644);
  const facts = await checkup(root);
  assert.ok(!JSON.stringify(facts).includes("Canary"), JSON.stringify(facts));
  const { server, join: joins, agent } = facts.files.digests;
  assert.match(server ?? "", /^[0-9a-f]{16}$/);
  assert.equal(joins, server);
  assert.notEqual(agent, server);
  assert.match(facts.files.config ?? "", /^agent-token: "\(secret\)"\nnode-name: server-1\n/);
  assert.equal(facts.files.others.length, 1);
  assert.match(facts.files.loose.join(), /server\/token 644 0$/);
});

test("what began and did not end is told, and a run that works now is not blamed", async () => {
  const root = machine();
  const state = "var/lib/homelab-k3s";
  put(root, `${state}/step`, "2031-01-01T00:00:00+0000 verb server\n2031-01-01T00:00:01+0000 begin fetch\n");
  put(root, `${state}/restore/r1/state`, "halted");
  put(root, `${state}/restore/r0/state`, "done");
  put(root, `${state}/cordoned`, "server-1\n");
  const { records } = await checkup(root);
  assert.deepEqual(records.unfinished, [
    "the step server, begun at 2031-01-01T00:00:00+0000, last: begin fetch",
    "the restore r1, last: halted",
    "a drain: the node was cordoned for it and is not released",
  ]);
  assert.equal(records.running, false);
  put(root, `${state}/step`, "2031-01-01T00:00:00+0000 verb server\n2031-01-01T00:00:01+0000 ended ok\n");
  const held = functions("take_lock server; sleep 3", [], root);
  await new Promise((resolve) => setTimeout(resolve, 500));
  const during = await checkup(root);
  assert.equal(during.records.running, true);
  assert.equal(during.records.unfinished.length, 2);
  await held;
});

test("S28 the newest snapshot is looked into", async () => {
  const root = machine();
  const directory = "var/lib/rancher/k3s/server/db/snapshots";
  put(root, "etc/rancher/k3s/config.yaml", "");
  put(root, `${directory}/etcd-snapshot-server-1-1900000000`, "PK packed by k3s");
  assert.equal((await checkup(root)).snapshots?.problem, null);
  put(root, `${directory}/etcd-snapshot-server-1-1900000100`, "short");
  const { snapshots } = await checkup(root);
  assert.equal(snapshots?.newest?.createdAt, "2030-03-17T17:48:20Z");
  assert.match(snapshots?.problem ?? "", /is not an etcd database/);
});

test("the virtual address is found where the kernel has it", async () => {
  const vip = async (address: string) => {
    const body = `ip() { echo "2: eno1    inet 192.0.2.10/32 scope global eno1"; }; ARG[vip]=${address}; checkup_machine`;
    const { stdout, stderr } = await functions(body, [], machine());
    assert.notEqual(stdout, "", stderr);
    return (JSON.parse(stdout) as { vip: boolean }).vip;
  };
  assert.equal(await vip("192.0.2.10"), true);
  assert.equal(await vip("192.0.2.1"), false);
});

test("S13 ports of others are open, refused or silent, and silence takes no longer than it must", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  const root = machine();
  const targets = [`a 127.0.0.1 ${port}`, "a 127.0.0.1 1", "silent 203.0.113.1 9"];
  // nothing between here and there can be relied on to be silent
  const silence =
    'eval "$(declare -f knock_at | sed \'s/^knock_at/really/\')"; knock_at() { [[ $1 != silent ]] || exec sleep 60; really "$@"; }';
  const began = Date.now();
  const { stdout } = await functions(
    `${silence}; SCRATCH=$K3S_NODE_ROOT/run KNOCK_MS=700; knock "$@"; cat "$SCRATCH/knocks"`,
    targets,
    root,
  );
  const took = Date.now() - began;
  server.close();
  const lines = stdout.trim().split("\n");
  assert.equal(lines.length, 3);
  assert.match(lines.find((line) => line.startsWith(`a ${port} `))!, /open [1-9][0-9]*$/);
  assert.ok(lines.includes("a 1 refused 0"), stdout);
  assert.ok(lines.includes("silent 9 silent 0"), stdout);
  assert.ok(took < 10_000, `${took} ms`);
});

test("S24 where etcd does not run its database tells who its members are, and the newest of our snapshots is told", async () => {
  const root = machine();
  const member = (address: string) => `{"id":1,"peerURLs":["https://${address}:2380"],"name":"x"}`;
  put(
    root,
    "var/lib/rancher/k3s/server/db/etcd/member/snap/db",
    `\0${member("10.0.0.1")}\0${member("10.0.0.2")}`,
  );
  const kept = "var/lib/homelab-k3s/snapshots";
  put(root, `${kept}/nightly`, "whole");
  put(root, `${kept}/nightly.json`, '{"name":"nightly","createdAt":"2031-05-01T07:00:00Z"}');
  put(root, `${kept}/half.json`, "{}");
  const { etcd, snapshots } = await checkup(root);
  assert.deepEqual(etcd?.onDisk, ["10.0.0.1", "10.0.0.2"]);
  const { name, bytes, createdAt } = snapshots!.kept!;
  assert.deepEqual([name, bytes, createdAt], ["nightly", 5, "2031-05-01T07:00:00Z"]);
});
