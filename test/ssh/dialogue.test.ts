import assert from "node:assert/strict";
import { after, test } from "node:test";
import { scriptCommand } from "../../components/command-line.ts";
import { converse } from "../../ssh/dialogue.ts";
import { openSession, type Session } from "../../ssh/probe.ts";
import { Request } from "../../ssh/request.ts";
import { newPair, startServer, type TestServer } from "./server.ts";

const key = newPair();
const servers: TestServer[] = [];
const sessions: Session[] = [];
after(() => {
  for (const session of sessions) session.end();
  for (const server of servers) server.close();
});

let last: TestServer;

/** Talks with a bash script that came over standard input. */
async function talkWith(script: string, timeoutMs = 10_000) {
  const server = await startServer({ users: { root: [key.public] }, shell: true });
  servers.push(server);
  last = server;
  const { port, hostKey } = server;
  const request = { name: "n1", host: "127.0.0.1", port, hostKey, privateKey: key.private };
  const session = await openSession(Request.parse(request), () => {});
  sessions.push(session);
  const command = scriptCommand("root", 30, undefined, Buffer.byteLength(script));
  return converse(session, command, { stdin: script, timeoutMs });
}

test("a script that came over standard input reads what it is told after it", async () => {
  const talk = await talkWith('echo é ready; while read -r word; do echo "heard $word"; done\n');
  assert.equal(await talk.hear(), "é ready");
  assert.equal(await talk.ask("measure"), "heard measure");
  assert.equal(await talk.ask("end"), "heard end");
});

test("lines that come at once are heard one by one", async () => {
  const talk = await talkWith("printf 'one\\ntwo\\nthree\\n'");
  assert.deepEqual([await talk.hear(), await talk.hear(), await talk.hear()], ["one", "two", "three"]);
});

test("a script that ends instead of answering says why", async () => {
  const talk = await talkWith("echo ready; read -r word; echo first >&2; echo no room in /run >&2; exit 3");
  await talk.hear();
  await assert.rejects(talk.ask("measure"), /^Error: no room in \/run$/);
});

test("a machine that goes away in the middle is said to have, whatever it had said before", async () => {
  const talk = await talkWith("echo ready; echo well >&2; read -r word; sleep 5");
  await talk.hear();
  const asked = talk.ask("measure");
  for (const connection of last.connections) connection.end();
  await assert.rejects(asked, /^Error: the connection to it was lost: .* then run again$/);
});

test("a script that says nothing, or never stops, is left alone", async () => {
  const silent = await talkWith("sleep 2", 300);
  await assert.rejects(silent.hear(), /^Error: it did not end within 0\.3 s$/);
  const endless = await talkWith("head -c 20000000 /dev/zero; sleep 2");
  await assert.rejects(endless.hear(), /^Error: it put out more than 8388608 bytes$/);
});
