/**
 * `npm run bench:noop`: what a run costs that changes nothing, and how `preview` grows with the number of nodes. Ends with
 * exit code 1 when a limit is not held.
 */
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PulumiFn } from "@pulumi/pulumi/automation/index.js";
import { Command } from "commander";
import program from "../index.ts";
import { Board } from "../lab/board.ts";
import { openCluster } from "../lab/cluster.ts";
import { configure, type LabStack, openStack, operate } from "../lab/engine.ts";
import { makeKeyPair } from "../lab/machines/keys.ts";
import { prepare, pulumiEnv } from "../lab/prepare.ts";
import { unchanged } from "../lab/proof.ts";
import { heading, openScreen } from "../lab/screen.ts";
import { prefix } from "../lab/stack-config.ts";
import { table } from "../lab/table.ts";
import { ensureToolchain } from "../lab/toolchain/toolchain.ts";
import { atMost, fitLine, median, type Verdict } from "./stats.ts";

/** Seconds for an `up` of four nodes that has nothing to do. */
const upLimit = 3;
/** How well a straight line must fit the growth of `preview`: 1 is a line. */
const linearity = 0.95;
const sizes = [3, 28, 53, 78, 103];
const never = new AbortController().signal;

const options = new Command("bench:noop")
  .option("--instance <name>", "the lab to use; what is in it is lost", "bench-noop")
  .option("--rounds <n>", "how often each is run", Number, 3)
  .option("--no-lab", "only what needs no machines")
  .parse()
  .opts<{ instance: string; rounds: number; lab: boolean }>();

const screen = openScreen();
const verdicts: Verdict[] = [];
const rows: string[][] = [];
const env = pulumiEnv(await ensureToolchain());
rows.push(["engine, empty program: up", `${(await emptyProgram()).toFixed(2)} s`]);
await previews();
if (options.lab) await fourNodes();
heading(screen, `medians of ${options.rounds}`);
rows.push(
  ...verdicts.map(({ what, found, limit, held }) => [what, found, limit, held ? "held" : "NOT HELD"]),
);
for (const line of table(["figure", "found", "limit", ""], rows, screen.look)) screen.write(line);
process.exit(verdicts.every(({ held }) => held) ? 0 : 1);

/** The engine's own cost, which no program can be below. */
async function emptyProgram(): Promise<number> {
  return inScratch(
    async () => ({}),
    async (stack) => {
      await operate(stack, "up", () => {}, never);
      return timed(() => operate(stack, "up", () => {}, never));
    },
  );
}

/** `preview` reaches no machine: the addresses are nobody's. */
async function previews(): Promise<void> {
  const points = [];
  for (const size of sizes) {
    const seconds = await inScratch(program, async (stack) => {
      await configure(stack, configOf(size), makeKeyPair().privateKey);
      return timed(() => operate(stack, "preview", () => {}, never));
    });
    points.push({ x: size, y: seconds });
    rows.push([`preview of ${size} nodes`, `${seconds.toFixed(2)} s`]);
    screen.write(`preview of ${size} nodes: ${seconds.toFixed(2)} s`);
  }
  const line = fitLine(points);
  rows.push(["preview: slope", `${(line.slope * 1000).toFixed(0)} ms a node`]);
  const found = line.r2.toFixed(3);
  verdicts.push({
    what: "preview: fit of a line",
    found,
    limit: `at least ${linearity}`,
    held: line.r2 >= linearity,
  });
}

async function fourNodes(): Promise<void> {
  const prepared = await prepare({ ...options, servers: 3, agents: 1 }, new Board(), () => 0);
  try {
    const cluster = await openCluster(prepared, new Board(), () => 0);
    await cluster.configure({});
    await cluster.operate("up");
    const seconds = await timed(async () => unchanged(await cluster.operate("up")));
    verdicts.push(atMost("up without a change, 4 nodes", seconds, upLimit, "s"));
  } finally {
    await prepared.close();
    await prepared.lab.down();
  }
}

async function timed(work: () => Promise<{ seconds: number }>): Promise<number> {
  const seconds: number[] = [];
  for (let i = 0; i < options.rounds; i++) seconds.push((await work()).seconds);
  return median(seconds);
}

async function inScratch<T>(of: PulumiFn, work: (stack: LabStack) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), "bench-"));
  try {
    return await work(await openStack(directory, env, of));
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** A stack of three servers and so many agents that there are `size` nodes. */
function configOf(size: number): Record<string, unknown> {
  const address = (index: number) => `192.0.2.${11 + index}`;
  const nodes = Array.from({ length: size }, (_, index) => ({
    name: index < 3 ? `server-${index + 1}` : `agent-${index - 2}`,
    host: address(index),
    hostKey: hostKey(),
  }));
  return {
    [`${prefix}version`]: "v1.34.2+k3s1",
    [`${prefix}endpoint`]: { provider: "kube-vip", address: "192.0.2.10" },
    [`${prefix}servers`]: nodes.slice(0, 3),
    [`${prefix}agents`]: nodes.slice(3),
  };
}

/** A key of the right form that nobody has: 103 real ones would take a while to make. */
function hostKey(): string {
  const type = Buffer.from("\0\0\0\x0bssh-ed25519\0\0\0\x20");
  return `ssh-ed25519 ${Buffer.concat([type, randomBytes(32)]).toString("base64")}`;
}
