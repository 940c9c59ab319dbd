import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fetchFile } from "../../ssh/fetch.ts";
import { openSession } from "../../ssh/probe.ts";
import { parseRequest } from "../../ssh/request.ts";
import { newPair, startServer, type TestServer } from "./server.ts";

const key = newPair();
const directory = mkdtempSync(join(tmpdir(), "fetch-"));
const servers: TestServer[] = [];
after(() => {
  for (const server of servers) server.close();
  rmSync(directory, { recursive: true, force: true });
});

const content = "0123456789".repeat(20_000);
const commands = {
  "sudo -n cat /var/lib/x": { code: 0, stderr: "", stdout: content },
  "sudo -n cat /var/lib/y": {
    code: 1,
    stderr: "cat: /var/lib/y: No such file or directory\n",
    stdout: "part",
  },
};

async function session() {
  const users = { admin: [key.public] };
  const node = await startServer({ users, commands });
  const bastion = await startServer({ users: { jump: [key.public] }, forward: "real" });
  servers.push(node, bastion);
  const request = {
    name: "n1",
    host: "127.0.0.1",
    port: node.port,
    user: "admin",
    hostKey: node.hostKey,
    privateKey: key.private,
    bastion: { host: "127.0.0.1", port: bastion.port, user: "jump", hostKey: bastion.hostKey },
  };
  return openSession(parseRequest(JSON.stringify(request)), () => {});
}

test("M4 one of root's files comes through the bastion, whole, for its owner's eyes only", async () => {
  const open = await session();
  const file = join(directory, "x");
  const { sha256, bytes } = await fetchFile(open, "/var/lib/x", file);
  open.end();
  assert.equal(bytes, content.length);
  assert.equal(sha256, createHash("sha256").update(content).digest("hex"));
  assert.equal(readFileSync(file, "utf8"), content);
  assert.equal(statSync(file).mode & 0o777, 0o600);
});

test("M4 a file that cannot be read there leaves none here, and the reason is told", async () => {
  const open = await session();
  const file = join(directory, "y");
  await assert.rejects(fetchFile(open, "/var/lib/y", file), /y cannot be read there: cat: .*No such file/);
  await assert.rejects(fetchFile(open, "/var/lib/x; reboot", file), /must not reach a command line/);
  open.end();
  assert.ok(!existsSync(file));
});
