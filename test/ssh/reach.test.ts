import assert from "node:assert/strict";
import { createServer } from "node:net";
import { after, test } from "node:test";
import type { Failure } from "../../ssh/failure.ts";
import { keyName, pinnedBlob } from "../../ssh/keys.ts";
import { lanes } from "../../ssh/lanes.ts";
import { openSession } from "../../ssh/probe.ts";
import { parseRequest } from "../../ssh/request.ts";
import { type Behaviour, newPair, startServer, type TestServer } from "./server.ts";

const key = newPair();
const stranger = newPair();
const servers: TestServer[] = [];
after(() => {
  for (const server of servers) server.close();
});

async function serve(behaviour: Behaviour): Promise<TestServer> {
  const server = await startServer(behaviour);
  servers.push(server);
  return server;
}

const login = { host: "127.0.0.1", user: "root", privateKey: key.private };
const fingerprint = (text: string) => keyName(pinnedBlob(text)).fingerprint;

function request(server: Pick<TestServer, "port" | "hostKey">, more: object = {}): object {
  return { name: "n1", ...login, port: server.port, hostKey: server.hostKey, waitSeconds: 0, ...more };
}

/** Logs in, and tells where it came to. */
async function ask(json: object, say: (line: string) => void = () => {}) {
  const { node, end } = await openSession(parseRequest(JSON.stringify(json)), say);
  end();
  return node;
}

/** The kind and the message of the failure that it must end in. */
async function fails(json: object, kind: Failure["kind"]): Promise<string> {
  const error = await ask(json).then(
    () => assert.fail(`it succeeded instead of ${kind}`),
    (caught: Error) => caught,
  );
  assert.equal((error.cause as Failure | undefined)?.kind, kind, error.message);
  for (const part of ["n1", "found:", "wanted:", "next:"])
    assert.ok(error.message.includes(part), error.message);
  assert.ok(!error.message.includes("PRIVATE KEY"));
  return error.message;
}

test("so many logins at the same time, and all come to their turn", async () => {
  const inLane = lanes(2);
  let [now, most, done] = [0, 0, 0];
  const work = async () => {
    most = Math.max(most, ++now);
    await new Promise((resolve) => setImmediate(resolve));
    now--;
    if (++done === 3) throw new Error("one fails");
  };
  const ended = await Promise.allSettled([1, 2, 3, 4, 5].map(() => inLane(work)));
  assert.deepEqual([most, done, ended.filter(({ status }) => status === "rejected").length], [2, 5, 1]);
});

test("S07 a host key of another type than the pinned one is named too", async () => {
  const server = await serve({ users: { root: [key.public] } });
  const blob = Buffer.from("000000077373682d72736100000003010001000000020101", "hex").toString("base64");
  const message = await fails(request(server, { hostKey: `ssh-rsa ${blob}` }), "host-key");
  assert.ok(message.includes(`found:  ssh-ed25519 ${fingerprint(server.hostKey)}`), message);
  assert.deepEqual(server.logins, []);
});

test("S08 port closed", async () => {
  const server = await startServer({ users: {} });
  server.close();
  assert.match(await fails(request(server), "port-closed"), /port \d+ is closed/);
});

test("S08 something else than SSH listens there", async () => {
  const web = createServer((socket) => socket.end("HTTP/1.0 400 Bad Request\r\n\r\n"));
  await new Promise<void>((resolve) => web.listen(0, "127.0.0.1", resolve));
  const { port } = web.address() as { port: number };
  try {
    const message = await fails(request({ port, hostKey: stranger.public }), "lost");
    assert.ok(message.includes(`check that port ${port} is the SSH server's`), message);
  } finally {
    web.close();
  }
});

test("S08 wrong key: named by its fingerprint, offered to root and the known users only", async () => {
  const server = await serve({ users: { admin: [stranger.public] } });
  const message = await fails(request(server, { user: "admin", users: ["kai", "admin"] }), "wrong-key");
  assert.match(
    message,
    new RegExp(`${fingerprint(key.public).replaceAll("+", "\\+")} is not accepted for admin`),
  );
  assert.deepEqual([...new Set(server.logins)], ["admin", "root", "kai"]);
});

test("S08 wrong user: the one that accepts the key is named", async () => {
  const server = await serve({ users: { kai: [key.public] } });
  const message = await fails(request(server, { user: "admin", users: ["kai"] }), "wrong-user");
  assert.match(message, /wrong user: the key is accepted for kai, not for admin/);
});

test("S08 sudo asks for a password: the line for sudoers is shown", async () => {
  const commands = { "sudo -n true": { code: 1, stderr: "sudo: a password is required\n" } };
  const server = await serve({ users: { admin: [key.public] }, commands });
  const message = await fails(request(server, { user: "admin" }), "sudo-password");
  assert.ok(message.includes("add: admin ALL=(ALL) NOPASSWD: ALL"), message);
});

test("S07 a machine that goes away when it is asked for root is lost, and sudo is not blamed", async () => {
  const server = await serve({ users: { admin: [key.public] }, lostIn: "sudo" });
  await fails(request(server, { user: "admin" }), "lost");
});

test("S08 a user with sudo is fine", async () => {
  const server = await serve({ users: { admin: [key.public] } });
  assert.equal((await ask(request(server, { user: "admin" }))).user, "admin");
});

test("an encrypted key: without, with a wrong and with the right passphrase", async () => {
  const locked = newPair("open sesame");
  const server = await serve({ users: { root: [locked.public] } });
  const privateKey = locked.private;
  await fails(request(server, { privateKey }), "key-encrypted");
  const message = await fails(request(server, { privateKey, passphrase: "wrong one" }), "passphrase");
  assert.ok(!message.includes("wrong one"));
  assert.equal((await ask(request(server, { privateKey, passphrase: "open sesame" }))).user, "root");
});

test("an agent that is not there, and nothing to log in with", async () => {
  const server = await serve({ users: {} });
  const { privateKey: _, ...bare } = request(server) as Record<string, unknown>;
  await fails({ ...bare, agentSocket: "/nonexistent/agent" }, "agent-down");
  const before = process.env.SSH_AUTH_SOCK;
  delete process.env.SSH_AUTH_SOCK;
  await fails(bare, "no-login");
  if (before !== undefined) process.env.SSH_AUTH_SOCK = before;
});

test("a machine that reboots is waited for, and that is said once", async () => {
  const gone = await startServer({ users: {} });
  gone.close();
  const hostKey = newPair();
  const said: string[] = [];
  const starts = setTimeout(async () => {
    await serve({ users: { root: [key.public] }, hostKey, port: gone.port });
  }, 2_500);
  const json = request({ port: gone.port, hostKey: hostKey.public }, { waitSeconds: 10 });
  const reached = await ask(json, (line) => said.push(line)).finally(() => clearTimeout(starts));
  assert.equal(reached.port, gone.port);
  assert.equal(said.length, 1, said.join("\n"));
});

test("a request that is wrong: every field is named, no value is echoed", () => {
  const json = JSON.stringify({ name: "", host: "-oProxyCommand=x", hostKey: "zzz", secret: "s3cret" });
  assert.throws(
    () => parseRequest(json),
    ({ message }: Error) => /name.*host.*hostKey/.test(message) && !message.includes("s3cret"),
  );
});

test("bastion: through it, and what fails there or behind it", async () => {
  const node = await serve({ users: { root: [key.public] } });
  const via = async (behaviour: Partial<Behaviour>, hop: object = {}) => {
    const server = await serve({ users: { jump: [key.public] }, forward: "real", ...behaviour });
    const bastion = { host: "127.0.0.1", port: server.port, user: "jump", hostKey: server.hostKey, ...hop };
    return request(node, { bastion });
  };
  const silent = (code: number) => ({
    forward: { refuse: "Connection timed out" },
    commands: { "ping -c1 -W1 127.0.0.1": { code, stderr: "" } },
  });
  assert.equal((await ask(await via({}))).host, "127.0.0.1");
  assert.match(await fails(await via({}, { hostKey: stranger.public }), "host-key"), /^n1: its bastion/);
  assert.match(await fails({ ...(await via({})), hostKey: stranger.public }, "host-key"), /^n1 \(root@/);
  assert.match(await fails(await via({ users: {} }), "wrong-key"), /^n1: its bastion/);
  assert.match(await fails(await via({ users: { root: [key.public] } }), "wrong-user"), /accepted for root/);
  assert.match(await fails({ ...(await via({})), port: 1 }, "port-closed"), /^n1 \(root@/);
  await fails(await via(silent(1)), "host-down");
  await fails(await via(silent(0)), "port-filtered");
  await fails(await via({ forward: { refuse: "open failed" } }), "forward-refused");
});
