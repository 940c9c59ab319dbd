/**
 * `npm run bench:bringup`: the program against the least work possible, in the same lab, in one run, in turns.
 * Ends with exit code 1 when a limit is not held.
 *
 * How long a joining server's own start takes is a lottery: 5 s, or 15 s more. Since 3.6 etcd's leader sends every new
 * member a snapshot (it keeps no log of its first hundred entries); when the joiner has told its name just before, that
 * word is part of the snapshot, the joiner never sees it applied, and repeats it after 5 s and two election time-outs.
 * Both sides draw from it, so the overhead is that of what remains when the starts of the servers, which follow each
 * other, are taken off.
 */
import { Command } from "commander";
import { Board } from "../lab/board.ts";
import { type Cluster, openCluster, startOver } from "../lab/cluster.ts";
import { type Prepared, prepare } from "../lab/prepare.ts";
import { heading, openScreen } from "../lab/screen.ts";
import { table } from "../lab/table.ts";
import { leastWork } from "./least.ts";
import { atMost, median } from "./stats.ts";
import { watchStolen } from "./stolen.ts";

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

/** Seconds of one bring-up: in all, and of that the servers' own starts; and how much of it others took, in percent. */
type Run = { all: number; starts: number; stolen: number };

async function compare(prepared: Prepared): Promise<number> {
  const least: Run[] = [];
  const program: Run[] = [];
  const begins: number[] = [];
  for (let round = 1; round <= options.rounds; round++) {
    const bare = await fresh(prepared);
    const beside = watchStolen();
    const all = await leastWork(bare);
    least.push({ all, stolen: beside(), starts: await serverStarts(bare) });
    tell(round, "least work", least.at(-1)!);
    const cluster = await fresh(prepared);
    const besideProgram = watchStolen();
    const { seconds, start } = await timedUp(cluster);
    program.push({ all: seconds, stolen: besideProgram(), starts: await serverStarts(cluster) });
    begins.push(start);
    tell(round, "program", program.at(-1)!);
  }
  const nodes = prepared.topology.nodes.length;
  const middle = (runs: Run[], of: (run: Run) => number) => median(runs.map(of));
  const own = ({ all, starts }: Run) => all - starts;
  const overhead = middle(program, own) - middle(least, own);
  const verdicts = [
    atMost("overhead in all", overhead, limits.all, "s"),
    atMost("overhead per node", overhead / nodes, limits.perNode, "s"),
    atMost("up starts to work after", median(begins), startLimit, "s"),
  ];
  const { standin, version } = prepared.release;
  heading(screen, `${nodes} nodes, ${options.rounds} rounds, ${standin ? "stand-in" : "k3s"} ${version}`);
  const [by, of] = [middle(program, ({ all }) => all), middle(least, ({ all }) => all)];
  const rows = [
    ["least work, median", `${of.toFixed(2)} s`],
    ["least work, without the servers' starts", `${middle(least, own).toFixed(2)} s`],
    ["program, median", `${by.toFixed(2)} s`],
    ["program, without the servers' starts", `${middle(program, own).toFixed(2)} s`],
    ["ratio of the medians", (by / of).toFixed(2)],
    [
      "processor time taken by others, worst run",
      `${Math.max(...[...least, ...program].map((run) => run.stolen)).toFixed(0)} %`,
    ],
    ...verdicts.map(({ what, found, limit, held }) => [what, found, limit, held ? "held" : "NOT HELD"]),
  ];
  for (const line of table(["figure", "found", "limit", ""], rows, screen.look)) screen.write(line);
  return verdicts.every(({ held }) => held) ? 0 : 1;
}

function tell(round: number, what: string, { all, starts, stolen }: Run): void {
  screen.write(
    `round ${round}: ${what} ${all.toFixed(2)} s, of which servers' starts ${starts.toFixed(2)} s; ${stolen.toFixed(0)} % of the processors' time taken by others`,
  );
}

/** How long systemd waited for the servers, from the start of each unit until k3s said that it runs. */
async function serverStarts(cluster: Cluster): Promise<number> {
  const show =
    "systemctl show k3s --value --property=InactiveExitTimestampMonotonic --property=ActiveEnterTimestampMonotonic";
  let sum = 0;
  for (const { name } of cluster.topology.servers) {
    const { stdout } = await cluster.machine(name).exec(show);
    const microseconds = stdout.trim().split("\n").map(Number);
    sum += (Math.max(...microseconds) - Math.min(...microseconds)) / 1e6;
  }
  return sum;
}

/** Machines that never were in a cluster and that nobody is logged in to, and a stack that never ran. */
async function fresh(prepared: Prepared): Promise<Cluster> {
  await startOver(prepared);
  const cluster = await openCluster(prepared, new Board(), () => 0);
  await cluster.configure({});
  for (const { name } of cluster.topology.nodes) cluster.machine(name).hangUp();
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
