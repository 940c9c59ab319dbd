import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { after, test } from "node:test";
import { waitFor } from "../../measure/wait.ts";
import { openSession } from "../../ssh/probe.ts";
import { parseRequest } from "../../ssh/request.ts";
import { sendFile } from "../../ssh/send.ts";
import { newPair, startServer, type TestServer } from "./server.ts";

const key = newPair();
const directory = mkdtempSync(join(tmpdir(), "send-"));
const servers: TestServer[] = [];
after(() => {
  for (const server of servers) server.close();
  rmSync(directory, { recursive: true, force: true });
});

const content = Buffer.from("0123456789".repeat(200_000));
const chunks = (end = content.length) =>
  Array.from({ length: Math.ceil(end / 65_536) }, (_, i) => content.subarray(i * 65_536, (i + 1) * 65_536));

async function send(source: Readable, path: string, bytes: number, lostIn?: string): Promise<void> {
  const node = await startServer({ users: { root: [key.public] }, shell: true, ...(lostIn && { lostIn }) });
  servers.push(node);
  const request = {
    name: "n1",
    host: "127.0.0.1",
    port: node.port,
    hostKey: node.hostKey,
    privateKey: key.private,
  };
  const session = await openSession(parseRequest(JSON.stringify(request)), () => {});
  try {
    await sendFile(session, source, path, bytes);
  } finally {
    session.end();
  }
}

const nothingLeft = (path: string) => !existsSync(path) && !existsSync(`${path}.part`);

test("K5 a file arrives whole, for its owner's eyes only", async () => {
  const path = join(directory, "whole");
  await send(Readable.from(chunks()), path, content.length);
  assert.ok(readFileSync(path).equals(content));
  assert.equal(statSync(path).mode & 0o777, 0o600);
});

test("S30 what ends too early, or breaks off, leaves nothing there", async () => {
  const short = join(directory, "short");
  await assert.rejects(
    send(Readable.from(chunks(100_000)), short, content.length),
    /is not the 2000000 bytes/,
  );
  const broken = join(directory, "broken");
  const source = Readable.from(
    (async function* () {
      yield content.subarray(0, 1000);
      throw new Error("the store hung up");
    })(),
  );
  await assert.rejects(send(source, broken, content.length), /the store hung up/);
  // the node tidies up when it hears of the end
  const tidy = async () => assert.ok(nothingLeft(short) && nothingLeft(broken));
  await waitFor("nothing is left", tidy, { timeoutMs: 10_000, everyMs: 50 });
});

test("a directory that is not there is said in the node's own words", async () => {
  const path = join(directory, "no", "such");
  await assert.rejects(send(Readable.from(chunks()), path, content.length), /could not be written: .*such/);
});

test("S07 a machine that goes away meanwhile is said to have", async () => {
  const path = join(directory, "away");
  const sent = send(Readable.from(chunks()), path, content.length, "cat");
  await assert.rejects(sent, /away could not be written: the connection to it was lost: .* then run again$/);
});

test("S38 a path that a shell could read is refused here", async () => {
  for (const path of ["a;b", "$(id)", "-x", "a b"])
    await assert.rejects(send(Readable.from([]), path, 0), /must not reach a command line/);
});
