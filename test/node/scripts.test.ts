import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { cpSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { scriptsDirectory, scriptsHash } from "../../components/scripts.ts";
import { emptyRoot, functions, verb } from "./shell.ts";

const refusal = /not the ones this run was made for/;

test("every file of node/ is listed in its entry, and both sides compute the same hash", async () => {
  const { stderr } = await verb(emptyRoot(), ["frobnicate", "--scripts", scriptsHash()]);
  assert.doesNotMatch(stderr, refusal);
  const entry = readFileSync(join(scriptsDirectory, "k3s-node"), "utf8");
  const listed = [...entry.matchAll(/ (\.\/(?:lib|verbs)\/[a-z0-9_-]+\.sh)/g)].map(([, path]) => path).sort();
  const there = ["lib", "verbs"].flatMap((directory) =>
    readdirSync(join(scriptsDirectory, directory)).map((file) => `./${directory}/${file}`),
  );
  assert.deepEqual(listed, there.sort());
});

test("a copy that was interrupted or altered does not run; a file of an older version does no harm", async () => {
  const copy = emptyRoot();
  cpSync(scriptsDirectory, copy, { recursive: true });
  const run = (...args: string[]) =>
    new Promise<{ code: number | null; stderr: string }>((resolve) => {
      const child = spawn("bash", [join(copy, "k3s-node"), "frobnicate", ...args], {
        env: { PATH: process.env.PATH, K3S_NODE_ROOT: copy },
      });
      let stderr = "";
      child.stderr.on("data", (chunk) => (stderr += chunk));
      child.on("close", (code) => resolve({ code, stderr }));
    });
  writeFileSync(join(copy, "lib/old.sh"), "echo old >&2\n");
  assert.match((await run("--scripts", scriptsHash())).stderr, /is not a verb/);
  const file = join(copy, "lib/json.sh");
  writeFileSync(file, readFileSync(file, "utf8").slice(0, 100));
  const { code, stderr } = await run("--scripts", scriptsHash());
  assert.equal(code, 3);
  assert.match(stderr, refusal);
});

test("flags on standard input count like those of the command line, and come whole or not at all", async () => {
  const root = emptyRoot();
  const told = (lines: string, ...args: string[]) => verb(root, ["identity", ...args, "-"], lines);
  assert.match((await told("--address 192.0.2.11\n---\n")).stderr, /error: --name is missing/);
  assert.match(
    (await told("--steps\n--address 192.0.2.11\n---\n", "--name", "x;y")).stderr,
    /not a valid name/,
  );
  const altered = await told(`--scripts ${"0".repeat(64)}\n---\n`, "--name", "n1");
  assert.deepEqual([altered.code, refusal.test(altered.stderr)], [3, true]);
  const cut = await told(`--name n1\n--address 192.0.2.11\n`);
  assert.deepEqual([cut.code, /do not end with a line '---'/.test(cut.stderr)], [2, true]);
  const flags = "--address 192.0.2.11\n--version v1.34.2+k3s1\n--mirror https://mirror.example\n---\n";
  const rest = (input: string) => verb(root, ["server", "--name", "n1", "-"], flags + input);
  assert.match((await rest("tok: x\n")).stderr, /standard input must begin with 'token: '/);
  assert.match(
    (await rest("token: 123456789\n---\nserver: x\n")).stderr,
    /config\.yaml on standard input names /,
  );
});

test("the steps of a run are in its log, and are told to who asks for them", async () => {
  const body = `parse_args name "" "$@"; begin_verb server; step config true; cat "$LOG_FILE"`;
  const quiet = await functions(body, ["--name", "n1"]);
  assert.match(quiet.stdout, /: step: config begin\n.*: step: config end\n/);
  assert.equal(quiet.stderr, "");
  const asked = await functions(body, ["--steps", "--name", "n1"]);
  assert.match(asked.stderr, /: step: config begin\n.*: step: config end\n$/);
});

test("times are UTC, whatever the machine's zone: what is told of them says so", async () => {
  const root = emptyRoot();
  const args = [
    "fetch",
    "--name",
    "server-1",
    "--version",
    "v1.34.2+k3s1",
    "--mirror",
    "https://mirror.example",
  ];
  await new Promise((resolve) => {
    const env = { PATH: process.env.PATH, K3S_NODE_ROOT: root, TZ: "America/New_York" };
    spawn("bash", [join(scriptsDirectory, "k3s-node"), ...args], { env, stdio: "ignore" }).on(
      "close",
      resolve,
    );
  });
  const logs = readdirSync(join(root, "var/lib/homelab-k3s/log"));
  const [year, month, day, hour, minute] = /^(....)(..)(..)T(..)(..)..Z-fetch-/
    .exec(logs[0]!)!
    .slice(1)
    .map(Number);
  const told = Date.UTC(year!, month! - 1, day!, hour!, minute!);
  assert.ok(Math.abs(Date.now() - told) < 30 * 60_000, `${logs[0]} at ${new Date().toISOString()}`);
});

test("no file has Windows line endings or switches tracing on", () => {
  for (const entry of readdirSync(scriptsDirectory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const text = readFileSync(join(entry.parentPath, entry.name), "utf8");
    assert.ok(!text.includes("\r"), entry.name);
    assert.doesNotMatch(text, /set -x|set -o xtrace/, entry.name);
  }
});

test("S10 the second run says who holds the node and since when, and gives up with code 4", async () => {
  const root = emptyRoot();
  const first = functions(`take_lock server; echo held; sleep 3`, [], root);
  await new Promise((resolve) => setTimeout(resolve, 700));
  const second = await functions("LOCK_WAIT=1; take_lock remove; echo got", [], root);
  assert.equal(second.code, 4);
  assert.equal(second.stdout, "");
  assert.match(second.stderr, /held by \S+.*: server, since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d \S+, process \d+/);
  assert.equal((await first).stdout, "held\n");
  assert.equal((await functions("take_lock remove; echo got", [], root)).stdout, "got\n");
});

test("no function is written twice: the file that is read last would win", () => {
  const files = ["lib", "verbs"].flatMap((directory) =>
    readdirSync(join(scriptsDirectory, directory)).map((file) => join(scriptsDirectory, directory, file)),
  );
  const names = files.flatMap((file) =>
    [...readFileSync(file, "utf8").matchAll(/^([a-z_0-9]+)\(\)/gm)].map(([, name]) => name!),
  );
  assert.ok(names.length > 200);
  assert.deepEqual(
    names.filter((name, index) => names.indexOf(name) !== index),
    [],
  );
});
