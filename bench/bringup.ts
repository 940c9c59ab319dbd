/**
 * `npm run bench:bringup`: the program against the least work possible, in the same lab, in one run, in turns.
 * Ends with exit code 1 when a limit is not held.
 */
import { Command } from "commander";
import { Board } from "../lab/board.ts";
import { type Cluster, openCluster, startOver } from "../lab/cluster.ts";
import { type Prepared, prepare } from "../lab/prepare.ts";
import { heading, openScreen } from "../lab/screen.ts";
import { table } from "../lab/table.ts";
import { leastWork } from "./least.ts";
import { atMost, median } from "./stats.ts";

/** Seconds that the program may take longer than the least work: for each node, and in all. */
const limits = { perNode: 2, all: 4 };
/** Seconds from the call of `up` to the beginning of its first piece of work. */
const startLimit = 3;

const options = new Command("bench:bringup")
  .option("--instance <name>", "the lab to use; what is in it is lost", "bench-bringup")
  .option("--k3s <file>", "a real k3s binary, instead of the stand-in")
  .option("--rounds <n>", "how often each is run", Number, 3)
  .parse()
  .opts<{ instance: string; k3s?: string; rounds: number }>();

const screen = openScreen();
const prepared = await prepare({ ...options, servers: 3, agents: 1 }, new Board(), () => 0);
try {
  process.exitCode = await compare(prepared);
} finally {
  await prepared.close();
  await prepared.lab.down();
}
process.exit();

async function compare(prepared: Prepared): Promise<number> {
  const least: number[] = [];
  const program: { seconds: number; start: number }[] = [];
  for (let round = 1; round <= options.rounds; round++) {
    least.push(await leastWork(await fresh(prepared)));
    screen.write(`round ${round}: least work ${least.at(-1)!.toFixed(2)} s`);
    program.push(await timedUp(await fresh(prepared)));
    const { seconds, start } = program.at(-1)!;
    screen.write(`round ${round}: program ${seconds.toFixed(2)} s, first work after ${start.toFixed(2)} s`);
  }
  const nodes = prepared.topology.nodes.length;
  const [by, of] = [median(program.map((run) => run.seconds)), median(least)];
  const verdicts = [
    atMost("overhead in all", by - of, limits.all, "s"),
    atMost("overhead per node", (by - of) / nodes, limits.perNode, "s"),
    atMost("up starts to work after", median(program.map((run) => run.start)), startLimit, "s"),
  ];
  heading(
    screen,
    `${nodes} nodes, ${options.rounds} rounds, ${prepared.release.standin ? "stand-in" : "k3s"} ${prepared.release.version}`,
  );
  const rows = [
    ["least work, median", `${of.toFixed(2)} s`],
    ["program, median", `${by.toFixed(2)} s`],
    ["ratio", (by / of).toFixed(2)],
    ...verdicts.map(({ what, found, limit, held }) => [what, found, limit, held ? "held" : "NOT HELD"]),
  ];
  for (const line of table(["figure", "found", "limit", ""], rows, screen.look)) screen.write(line);
  return verdicts.every(({ held }) => held) ? 0 : 1;
}

/** Machines that never were in a cluster, and a stack that never ran. */
async function fresh(prepared: Prepared): Promise<Cluster> {
  await startOver(prepared);
  const cluster = await openCluster(prepared, new Board(), () => 0);
  await cluster.configure({});
  return cluster;
}

async function timedUp(cluster: Cluster): Promise<{ seconds: number; start: number }> {
  const began = performance.now();
  let start: number | undefined;
  const { seconds } = await cluster.operate("up", ({ resourcePreEvent }) => {
    const custom =
      resourcePreEvent?.metadata.new?.custom && !resourcePreEvent.metadata.type.startsWith("pulumi:");
    if (custom) start ??= (performance.now() - began) / 1000;
  });
  return { seconds, start: start ?? Number.POSITIVE_INFINITY };
}
