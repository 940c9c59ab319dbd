import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { newPair, startServer, type TestServer } from "./server.ts";

const key = newPair();
const servers: TestServer[] = [];
after(() => {
  for (const server of servers) server.close();
});

const address = "192.0.2.10";

/** A machine that says where it has the address; `lateMs` after it was asked, it is reached. */
async function machine(name: string, at: string | null, lateMs = 0) {
  const behaviour = { users: { root: [key.public] }, hostKey: newPair(), shell: true };
  const server = await startServer(behaviour);
  const { port, hostKey } = server;
  servers.push(server);
  if (lateMs > 0) {
    server.close();
    void sleep(lateMs).then(async () => servers.push(await startServer({ ...behaviour, port })));
  }
  const report = { node: name, interface: at, by: [], answers: true };
  const request = { name, host: "127.0.0.1", port, hostKey, privateKey: key.private };
  return { request: JSON.stringify(request), command: `echo '${JSON.stringify(report)}'`, carrier: true };
}

/** What the check says of them. */
async function check(machines: readonly Awaited<ReturnType<typeof machine>>[]) {
  const script = fileURLToPath(new URL("../../components/address-check.ts", import.meta.url));
  const child = spawn(process.execPath, [script], { stdio: "pipe" });
  child.stdin.end(JSON.stringify({ address, patience: 0, machines }));
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "close"),
  ]);
  return { code, stdout, stderr };
}

test("K3 the address on one machine: its name is the answer", async () => {
  const { code, stdout, stderr } = await check([
    await machine("server-1", null),
    await machine("server-2", "eth0"),
  ]);
  assert.equal(code, 0, stderr);
  assert.deepEqual(JSON.parse(stdout), { address, holders: ["server-2"] });
});

test("S26 the address on two machines: named in the stack's order, whoever answers first", async () => {
  const { code, stderr } = await check([
    await machine("server-1", "eth0", 800),
    await machine("server-2", "eth1"),
  ]);
  assert.equal(code, 1);
  assert.match(stderr, /CRITICAL: 192\.0\.2\.10 is on 2 machines: server-1 \(eth0\) and server-2 \(eth1\);/);
  assert.match(stderr, /such as on server-1: `ip address delete 192\.0\.2\.10\/32 dev eth0`/);
});
