import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { scriptCommand } from "../../components/command-line.ts";
import { bringUpToDate, type PartTimeInput, takeOut } from "../../components/part-time.ts";
import { scriptsBundle } from "../../components/scripts.ts";
import { type Behaviour, newPair, startServer, type TestServer } from "./server.ts";

const key = newPair();
const machineId = "0123456789abcdef0123456789abcdef";
const servers: TestServer[] = [];
after(() => {
  for (const server of servers) server.close();
});

/** Those that ran, in their order: `tower inspect`. */
type Ran = string[];

const verbs = ["inspect", "fetch", "agent", "remove", "admit", "forget"] as const;
const flags = {
  inspect: [["name", "tower"]],
  fetch: [["name", "tower"]],
  agent: [
    ["name", "tower"],
    ["part-time", null],
  ],
  remove: [
    ["name", "tower"],
    ["part-time", null],
  ],
  forget: [["name", "tower"]],
} satisfies Partial<PartTimeInput>;
const admit = [
  ["node", `tower=${machineId}`],
  ["deadline", 20],
] as const;

/** A machine that answers every verb, `inspect` with the version that is there. */
async function machine(name: string, ran: Ran, version: string | null, more: Partial<Behaviour> = {}) {
  const facts = { node: "tower", arch: "amd64", machineId, productUuid: null, role: "none", version };
  const bytes = Buffer.byteLength(scriptsBundle());
  const answer = (verb: (typeof verbs)[number]) => ({
    code: 0,
    stderr: "",
    get stdout() {
      ran.push(`${name} ${verb}`);
      return verb === "inspect" ? JSON.stringify(facts) : "{}";
    },
  });
  const commands = verbs.map((verb) => {
    const step = { verb, flags: verb === "admit" ? admit : flags[verb] };
    return [scriptCommand("root", 20, step, bytes), answer(verb)] as const;
  });
  const users = { root: [key.public] };
  const server = await startServer({ users, commands: Object.fromEntries(commands), ...more });
  servers.push(server);
  return server;
}

const requestTo = (name: string, { port, hostKey }: TestServer) =>
  JSON.stringify({ name, host: "127.0.0.1", port, hostKey, privateKey: key.private });

/** A tower and a server that knows it; what ran on both, and what was said. */
async function scene(version: string | null = null, tower: Partial<Behaviour> = {}) {
  const ran: Ran = [];
  const said: string[] = [];
  const server = await machine("server-1", ran, null);
  const theTower = await machine("tower", ran, version, tower);
  const input: PartTimeInput = {
    name: "tower",
    version: "v1.34.2+k3s1",
    machine: requestTo("tower", theTower),
    server: requestTo("server-1", server),
    uploads: [],
    ...flags,
    settings: "token: t\n---\n",
    seconds: 20,
  };
  return { input, ran, said, say: (line: string) => void said.push(line), tower: theTower };
}

test("H3 a part-time agent that is on is looked at, let in by a server, given the release, and joined", async () => {
  const { input, ran, say } = await scene("v1.29.1+k3s1");
  assert.deepEqual(await bringUpToDate(input, say), { node: "tower", state: "current" });
  assert.deepEqual(ran, ["tower inspect", "server-1 admit", "tower fetch", "tower agent"]);
});

test("H3 one that reaches no mirror is sent the release, unless it runs it already", async () => {
  const directory = mkdtempSync(join(tmpdir(), "part-time-"));
  const [file, remotePath] = [join(directory, "k3s"), join(directory, "there/k3s")];
  writeFileSync(file, "a release");
  try {
    for (const [version, sent] of [
      ["v1.34.2+k3s1", false],
      ["v1.33.1+k3s1", true],
    ] as const) {
      const { input, say } = await scene(version, { shell: true });
      await bringUpToDate({ ...input, uploads: [{ file, remotePath }] }, say);
      assert.equal(existsSync(remotePath), sent, version);
    }
    assert.equal(readFileSync(remotePath, "utf8"), "a release");
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test("S39 one that is off fails nothing, and no server is asked about it", async () => {
  const { input, ran, said, say, tower } = await scene();
  tower.close();
  assert.deepEqual(await bringUpToDate(input, say), { node: "tower", state: "off" });
  assert.deepEqual(ran, []);
  assert.match(said.join("\n"), /^tower .*port \d+ is closed.*; it is part-time, so nothing waits for it$/);
});

test("S39 one that goes away in the middle fails nothing either", async () => {
  const { input, ran, said, say } = await scene(null, { cutAt: " fetch " });
  assert.deepEqual(await bringUpToDate(input, say), { node: "tower", state: "left" });
  assert.deepEqual(ran, ["tower inspect", "server-1 admit"]);
  assert.match(said.join("\n"), /^tower: went away in the middle; it is part-time/);
});

test("H3 what is wrong with a machine that is on is an error", async () => {
  const newer = await scene("v1.35.1+k3s1");
  await assert.rejects(
    bringUpToDate(newer.input, newer.say),
    /tower: found k3s v1\.35\.1\+k3s1, newer than the stack's v1\.34\.2\+k3s1/,
  );
  assert.deepEqual(newer.ran, ["tower inspect"]);
  const stranger = await scene(null, { users: { root: [newPair().public] } });
  await assert.rejects(bringUpToDate(stranger.input, stranger.say), /^Error: tower .*: wrong key/);
});

test("H3 taken out: k3s leaves a machine that is on, and the cluster forgets it either way", async () => {
  const { input, ran, said, say, tower } = await scene();
  assert.deepEqual(await takeOut(input, say), { node: "tower", state: "removed" });
  assert.deepEqual(ran.splice(0), ["tower remove", "server-1 forget"]);
  tower.close();
  assert.deepEqual(await takeOut(input, say), { node: "tower", state: "off" });
  assert.deepEqual(ran, ["server-1 forget"]);
  assert.match(said.at(-1)!, /tower: k3s stays on its disk/);
});
