import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { after, test } from "node:test";
import { scriptCommand } from "../../components/command-line.ts";
import type { LookInput } from "../../components/look.ts";
import { scriptsBundle } from "../../components/scripts.ts";
import { keyName, pinnedBlob } from "../../ssh/keys.ts";
import { type Behaviour, newPair, startServer, type TestServer } from "./server.ts";

const key = newPair();
const stranger = newPair();
const bytes = Buffer.byteLength(scriptsBundle());
const servers: TestServer[] = [];
after(() => {
  for (const server of servers) server.close();
});

type Machine = LookInput["machines"][number];
type Answer = { code: number; stderr: string; stdout?: string };

/** What a machine answers to the verb `inspect`. */
const facts = (name: string, more: object = {}, stderr = ""): Answer => {
  const machineId = Buffer.from(name.padEnd(16, ".")).toString("hex");
  const found = { node: name, arch: "amd64", machineId, productUuid: null, role: "none", version: null };
  return { code: 0, stderr, stdout: JSON.stringify({ ...found, ...more }) };
};

/** A machine of the stack on this one, and how it is looked at. */
async function machine(
  name: string,
  role: Machine["role"],
  inspected: Answer,
  more: Partial<Behaviour> & { request?: object } = {},
): Promise<{ server: TestServer; machine: Machine }> {
  const inspect = [["name", name]] as const;
  const commands = { [scriptCommand("root", 60, { verb: "inspect", flags: inspect }, bytes)]: inspected };
  const server = await startServer({ users: { root: [key.public] }, commands, ...more });
  servers.push(server);
  const { port, hostKey } = server;
  const login = { name, host: "127.0.0.1", port, hostKey, privateKey: key.private, waitSeconds: 0 };
  const request = JSON.stringify({ ...login, ...more.request });
  return { server, machine: { request, name, role, address: "127.0.0.1", inspect: [["name", name]] } };
}

/** Runs the preflight itself, as Pulumi does. */
async function look(...machines: readonly { machine: Machine }[]) {
  const script = new URL("../../components/local-preflight.ts", import.meta.url).pathname;
  const child = spawn(process.execPath, [script]);
  const input: LookInput = {
    version: "v1.34.2+k3s1",
    checksums: { amd64: "a".repeat(64) },
    limits: {},
    vxlan: false,
    vip: null,
    machines: machines.map((one) => one.machine),
  };
  child.stdin.end(JSON.stringify(input));
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const code = await new Promise<number | null>((resolve) => {
    if (child.exitCode === null) child.once("close", resolve);
    else resolve(child.exitCode);
  });
  return { code, stdout, stderr };
}

test("what was found on every machine comes back in one line, and warnings are told", async () => {
  const [first, second] = [
    await machine("lb-1", "balancer", facts("lb-1")),
    await machine("lb-2", "balancer", facts("lb-2", {}, "12:00:00 lb-2: warning: firewalld is active\n")),
  ];
  const { code, stdout, stderr } = await look(first, second);
  assert.equal(code, 0, stderr);
  const passed = JSON.parse(stdout);
  assert.deepEqual(
    passed.facts.map(({ node }: { node: string }) => node),
    ["lb-1", "lb-2"],
  );
  assert.deepEqual([passed.serverRuns, passed.demoted], [false, []]);
  assert.equal(stderr, "12:00:00 lb-2: warning: firewalld is active\n");
  assert.equal(stdout.trim().split("\n").length, 1);
});

/** What a new machine says when it listens. */
const listens = { node: "n1", new: true, taken: [], listens: [], vxlan: false };

/** A node where k3s runs: it says so when it is to be measured, and is not. */
function living(name: string, role: "server" | "agent", server: string, version: string) {
  const flags = [
    ["name", name],
    ["role", role],
    ["server", server],
  ] as const;
  const said = { node: name, new: false, taken: [], listens: [], vxlan: false };
  const measure = scriptCommand("root", 60, { verb: "measure", flags }, bytes);
  const inspect = scriptCommand("root", 60, { verb: "inspect", flags: [["name", name]] }, bytes);
  const inspected = facts(name, { role, version });
  const commands = { [inspect]: inspected, [measure]: { code: 0, stderr: "", stdout: JSON.stringify(said) } };
  return machine(name, role, inspected, { commands });
}

test("K6 where k3s runs on all nodes nothing is measured, and what it runs is judged", async () => {
  const { code, stdout } = await look(await living("server-1", "server", "server-1", "v1.34.1+k3s1"));
  assert.deepEqual([code, JSON.parse(stdout).serverRuns], [0, true]);
  const newer = await look(await living("server-1", "server", "server-1", "v1.36.0+k3s1"));
  assert.deepEqual([newer.code, newer.stdout], [1, ""]);
  assert.match(
    newer.stderr,
    /^The set of machines has one problem\. Nothing was changed\.\n {2}- server-1: found k3s v1\.36\.0\+k3s1 there and v1\.34\.2\+k3s1 in the stack/,
  );
});

test("S15 all machines that refuse are named, each with its reason, and the others are not", async () => {
  const refusal = (name: string, why: string) => ({ code: 3, stderr: `12:00:00 ${name}: refused: ${why}\n` });
  const { code, stdout, stderr } = await look(
    await machine("lb-1", "balancer", refusal("lb-1", "1 CPU core")),
    await machine("lb-2", "balancer", facts("lb-2")),
    await machine("lb-3", "balancer", refusal("lb-3", "a k3s that this program did not install")),
    await machine("lb-4", "balancer", { code: 127, stderr: "" }),
  );
  assert.deepEqual([code, stdout], [1, ""]);
  assert.match(stderr, /^12:00:00 lb-1: refused: 1 CPU core\n12:00:00 lb-3: refused: a k3s that /);
  assert.match(stderr, /^lb-4: inspect ended with exit code 127$/m);
  assert.doesNotMatch(stderr, /lb-2/);
});

test("S07 a machine that goes away while it is looked at or measured is named, with what to do", async () => {
  for (const lostIn of ["k3s-node inspect", "k3s-node measure"]) {
    const measured = { code: 0, stderr: "", stdout: JSON.stringify(listens) };
    const flags = [
      ["name", "n1"],
      ["role", "server"],
      ["server", "n1"],
    ] as const;
    const measure = scriptCommand("root", 60, { verb: "measure", flags }, bytes);
    const inspect = scriptCommand("root", 60, { verb: "inspect", flags: [["name", "n1"]] }, bytes);
    const commands = { [inspect]: facts("n1"), [measure]: measured };
    const { code, stderr } = await look(await machine("n1", "server", facts("n1"), { lostIn, commands }));
    assert.equal(code, 1);
    assert.match(stderr, /^n1: the connection to it was lost: .* then run again\n$/, lostIn);
  }
});

test("S07 S08 every machine that cannot be reached is explained, and no other is asked anything", async () => {
  const { code, stdout, stderr } = await look(
    await machine("n1", "balancer", facts("n1"), { request: { hostKey: stranger.public } }),
    await machine("n2", "balancer", { code: 3, stderr: "refused" }),
    await machine("n3", "balancer", facts("n3"), { request: { port: 1 } }),
  );
  assert.deepEqual([code, stdout], [1, ""]);
  assert.match(stderr, /^n1 .*\n.*found:/m);
  assert.match(stderr, /^n3 .*port 1 is closed/m);
  assert.doesNotMatch(stderr, /n2|refused/);
});

test("S07 the host key differs: both fingerprints, no login tried and nothing waited for", async () => {
  const request = { hostKey: stranger.public, waitSeconds: 60 };
  const { server, machine: one } = await machine("n1", "balancer", facts("n1"), { request });
  const { code, stdout, stderr } = await look({ machine: one });
  assert.deepEqual([code, stdout], [1, ""]);
  const fingerprint = (blob: string) => keyName(pinnedBlob(blob)).fingerprint;
  assert.ok(stderr.includes(fingerprint(server.hostKey)) && stderr.includes(fingerprint(stranger.public)));
  assert.deepEqual(server.logins, []);
});
