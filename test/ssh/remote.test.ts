import assert from "node:assert/strict";
import { after, test } from "node:test";
import { requireCluster } from "../../config/parse.ts";
import { Remote } from "../../ops/remote.ts";
import { exampleInput, nodeInput, serverInputs } from "../unit/example.ts";
import { type Behaviour, newPair, startServer, type TestServer } from "./server.ts";

const key = newPair();
const servers: TestServer[] = [];
const remotes: Remote[] = [];
after(async () => {
  for (const remote of remotes) await remote.close();
  for (const server of servers) server.close();
});

/** A stack whose first server is a small SSH server on this machine; the others answer nobody. */
async function stack(behaviour: Partial<Behaviour> = {}, node: object = {}, ssh: object = {}) {
  const server = await startServer({ users: { root: [key.public] }, shell: true, ...behaviour });
  servers.push(server);
  const [, second, third] = serverInputs(3);
  const first = {
    ...nodeInput("server-1", "127.0.0.1"),
    port: server.port,
    hostKey: server.hostKey,
    ...node,
  };
  const closed = { ...second, host: "127.0.0.1", address: "192.0.2.12", port: 1 };
  const lost = { ...third, lost: true };
  const others = [closed, lost, nodeInput("server-4", "192.0.2.14"), nodeInput("server-5", "192.0.2.15")];
  const input = exampleInput({ servers: [{ ...first, address: "192.0.2.11" }, ...others], agents: [], ssh });
  const remote = new Remote(requireCluster(input), { privateKey: key.private });
  remotes.push(remote);
  return { remote, server };
}

test("a script runs with its output, its complaint and its exit code, whatever it is made of", async () => {
  const { remote } = await stack();
  const lines: string[] = [];
  const script = `x='a "b" $c'\necho "$x"; echo one >&2; echo two >&2; read -r rest || exit 7`;
  const ran = await remote.run("server-1", script, { onLine: (line) => lines.push(line) });
  assert.deepEqual(ran, {
    node: "server-1",
    reached: true,
    code: 7,
    stdout: 'a "b" $c\n',
    stderr: "one\ntwo\n",
  });
  assert.deepEqual(lines, ["one", "two"]);
});

test("a verb of k3s-node runs on a node that has no scripts", async () => {
  const { remote } = await stack();
  const step = { verb: "frobnicate", flags: [["name", "server-1"]] as const };
  const ran = await remote.verb("server-1", step);
  assert.ok(ran.reached);
  assert.equal(ran.code, 2);
  assert.match(ran.stderr, /'frobnicate' is not a verb; verbs are inspect /);
  const hostile = { verb: "inspect", flags: [["name", "x;reboot"]] as const };
  await assert.rejects(async () => remote.verb("server-1", hostile), /must not reach a command line/);
});

test("one connection serves several commands, also at the same time", async () => {
  const { remote, server } = await stack();
  const rans = await Promise.all([1, 2, 3].map((n) => remote.run("server-1", `echo ${n}`)));
  assert.deepEqual(
    rans.map((ran) => ran.reached && ran.stdout),
    ["1\n", "2\n", "3\n"],
  );
  assert.deepEqual(server.logins, ["root"]);
});

test("what never ends is ended by the node itself, and the next command works", async () => {
  const { remote } = await stack();
  const ran = await remote.run("server-1", "echo begun; sleep 60", { seconds: 1 });
  assert.ok(ran.reached);
  assert.equal(ran.code, 124);
  assert.equal(ran.stdout, "begun\n");
  assert.equal((await remote.run("server-1", "true")).reached, true);
});

test("a node that never stops talking is left alone", async () => {
  const { remote } = await stack();
  const ran = await remote.run("server-1", "cat /dev/zero", { seconds: 20 });
  assert.ok(!ran.reached);
  assert.match(ran.problem, /^server-1: it put out more than \d+ bytes/);
});

test("S07, S08: a node that cannot be reached is a result with its reason, and no crash", async () => {
  const closed = await (await stack()).remote.run("server-2", "true");
  assert.ok(!closed.reached);
  assert.match(closed.problem, /^server-2 .*port 1 is closed/);
  const { remote } = await stack({}, { hostKey: newPair().public });
  const foreign = await remote.run("server-1", "true");
  assert.ok(!foreign.reached);
  assert.match(foreign.problem, /the host key differs from the pinned one/);
});

test("a user becomes root by sudo, behind a bastion", async () => {
  const bastion = await startServer({ users: { jump: [key.public] }, forward: "real" });
  servers.push(bastion);
  const { port, hostKey } = bastion;
  const commands = { "sudo -n true": { code: 0, stderr: "" } };
  const sudo = `sudo -n timeout -k 5 60 bash --norc -c 'eval "$(cat)"'`;
  const behaviour = {
    users: { admin: [key.public] },
    commands: { ...commands, [sudo]: { code: 0, stderr: "", stdout: "as root" } },
  };
  const ssh = { user: "admin", bastion: { host: "127.0.0.1", port, user: "jump", hostKey } };
  const { remote } = await stack(behaviour, {}, ssh);
  const ran = await remote.run("server-1", "true");
  assert.ok(ran.reached, JSON.stringify(ran));
  assert.equal(ran.stdout, "as root");
  assert.deepEqual(bastion.logins, ["jump"]);
});

test("a machine that was declared lost, or is none of the stack's, is not asked", async () => {
  const { remote } = await stack();
  assert.deepEqual(
    remote.machines.map(({ name }) => name),
    ["server-1", "server-2", "server-4", "server-5"],
  );
  await assert.rejects(async () => remote.run("server-3", "true"), /server-3 is no machine of the stack/);
});
