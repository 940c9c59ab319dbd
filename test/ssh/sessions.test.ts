import assert from "node:assert/strict";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { waitFor } from "../../measure/wait.ts";
import { execute } from "../../ssh/execute.ts";
import { Request } from "../../ssh/request.ts";
import { UnreachedError, withSessions } from "../../ssh/sessions.ts";
import { type Behaviour, newPair, startServer, type TestServer } from "./server.ts";

const key = newPair();
const servers: TestServer[] = [];
after(() => {
  for (const server of servers) server.close();
});

const silently = () => {};

async function serve(behaviour: Partial<Behaviour> = {}): Promise<TestServer> {
  const server = await startServer({ users: { root: [key.public] }, shell: true, ...behaviour });
  servers.push(server);
  return server;
}

function requestTo(name: string, { port, hostKey }: TestServer, waitSeconds = 0): Request {
  return Request.parse({ name, host: "127.0.0.1", port, hostKey, privateKey: key.private, waitSeconds });
}

const ended = ({ connections }: TestServer) =>
  waitFor("no connection left", async () => assert.equal(connections.size, 0), { timeoutMs: 5_000 });

test("sessions come in the order of the requests, whoever answers first, and are ended", async () => {
  const hostKey = newPair();
  const late = await serve({ hostKey });
  late.close();
  const prompt = await serve();
  void sleep(500).then(() => serve({ hostKey, port: late.port }));
  const requests = [requestTo("server-1", late, 20), requestTo("server-2", prompt)];
  const ports = await withSessions(requests, silently, async (sessions) => {
    for (const session of sessions)
      assert.equal((await execute(session, "echo up", { timeoutMs: 5_000 })).stdout.trim(), "up");
    return sessions.map(({ node }) => node.port);
  });
  assert.deepEqual(ports, [late.port, prompt.port]);
  for (const server of servers) await ended(server);
});

test("S08 machines that cannot be reached are all named with why, and the sessions of the others are ended", async () => {
  const away = await serve();
  away.close();
  const stranger = await serve({ users: { root: [newPair().public] } });
  const well = await serve();
  const requests = [requestTo("server-1", away), requestTo("server-2", well), requestTo("agent-1", stranger)];
  const error = await withSessions(requests, silently, async () => assert.fail("used")).catch((e) => e);
  assert.ok(error instanceof UnreachedError);
  assert.deepEqual(error.names, ["server-1", "agent-1"]);
  assert.match(error.message, /^server-1 .*: port \d+ is closed/);
  assert.match(error.message, /^agent-1 .*: wrong key/m);
  await ended(well);
});

test("sessions are ended when their use fails", async () => {
  const well = await serve();
  const use = async () => Promise.reject(new Error("no room"));
  await assert.rejects(withSessions([requestTo("server-1", well)], silently, use), /^Error: no room$/);
  await ended(well);
});
