/**
 * `npm run bench:failover`: how long the API is away through the endpoint when a machine loses its power, for clients
 * with new connections and for one that keeps its connection; by endpoint, by what the machine was, and by the profile
 * of etcd's timings. Also: acknowledged writes that are lost, and leaders of etcd that a server deposes which comes
 * back. Cells are measured in turns, so that noise hits all alike. Rows are kept as they come: a call goes on where the
 * last one stopped. About 20 s a run; ends with exit code 1 when an aim was missed.
 */
import { Command, Option } from "commander";
import { Board } from "../lab/board.ts";
import { type Cluster, openCluster, startOver } from "../lab/cluster.ts";
import type { Machine } from "../lab/machines/machine.ts";
import { prepare } from "../lab/prepare.ts";
import { heading, openScreen } from "../lab/screen.ts";
import { table } from "../lab/table.ts";
import { accessOf } from "../measure/kube.ts";
import {
  benchTimings,
  type Cell,
  endpoints,
  keyOf,
  type Setup,
  settingsOf,
  setups,
  victims,
} from "./failover/cell.ts";
import { cells, heads, lines, verdicts } from "./failover/report.ts";
import { readRows, rowsOf, writeRows } from "./failover/rows.ts";
import { type Ground, measure, paceMs, timeoutMs } from "./failover/run.ts";

const choice = (flag: string, what: string, words: readonly string[]) =>
  new Option(`${flag} <name>`, `${what} only`).choices(words);

const options = new Command("bench:failover")
  .option("--instance <name>", "the lab to use; what is in it is lost", "bench-failover")
  .option(
    "--runs <n>",
    "how many runs of each cell there shall be, those of earlier calls included",
    Number,
    10,
  )
  .option("--turn <n>", "how many runs of a cell before it is the next one's turn", Number, 2)
  .option(
    "--minutes <n>",
    "begins no run after so many; the next call goes on",
    Number,
    Number.POSITIVE_INFINITY,
  )
  .option("--fresh", "forgets the rows of earlier calls")
  .option("--report", "prints the rows of earlier calls, and measures nothing")
  .addOption(choice("--endpoint", "one endpoint", endpoints))
  .addOption(choice("--timing", "one profile", benchTimings))
  .addOption(choice("--victim", "one victim", victims))
  .parse()
  .opts<{
    instance: string;
    runs: number;
    turn: number;
    minutes: number;
    fresh?: true;
    report?: true;
    endpoint?: string;
    timing?: string;
    victim?: string;
  }>();

const screen = openScreen();
const rows = options.fresh ? [] : readRows();
const until = Date.now() + options.minutes * 60_000;
if (!options.report) await bench();
report();

/** The cells that are asked for and have too few rows. */
function missing(setup?: Setup): Cell[] {
  return cells.filter(
    (cell) =>
      (options.endpoint ?? cell.endpoint) === cell.endpoint &&
      (options.timing ?? cell.timing) === cell.timing &&
      (options.victim ?? cell.victim) === cell.victim &&
      (setup?.endpoint ?? cell.endpoint) === cell.endpoint &&
      (setup?.timing ?? cell.timing) === cell.timing &&
      rowsOf(rows, cell).length < options.runs,
  );
}

async function bench(): Promise<void> {
  const prepared = await prepare({ instance: options.instance, servers: 3, agents: 0 }, new Board(), () => 0);
  try {
    await startOver(prepared);
    const cluster = await openCluster(prepared, new Board(), () => 0);
    const balancers = await startBalancers(cluster);
    while (missing().length > 0 && Date.now() < until) {
      for (const setup of setups) {
        if (missing(setup).length === 0 || Date.now() > until) continue;
        const ground = await bringTo(cluster, setup, balancers);
        for (const cell of missing(setup)) await take(ground, cell);
      }
    }
  } finally {
    await prepared.close();
    await prepared.lab.down();
  }
}

async function startBalancers({ lab }: Cluster): Promise<Machine[]> {
  const balancers = [];
  for (const index of [1, 2]) {
    const address = lab.hostAddress.replace(/\.\d+$/, `.${4 + index}`);
    balancers.push(await lab.machine({ name: `lb-${index}`, address }));
  }
  await Promise.all(balancers.map((machine) => machine.start().then(() => machine.waitSsh())));
  return balancers;
}

/** The living cluster gets this endpoint and this profile. */
async function bringTo(cluster: Cluster, setup: Setup, balancers: readonly Machine[]): Promise<Ground> {
  const { topology } = cluster;
  const machines = balancers.map(({ name, address, hostKey }) => ({ name, host: address, hostKey }));
  const provider = { provider: setup.endpoint, address: topology.vip };
  const endpoint = setup.endpoint === "haproxy" ? { ...provider, balancers: machines } : provider;
  await cluster.configure({ more: { endpoint, etcd: { timing: setup.timing } } });
  const { seconds } = await cluster.operate("up");
  screen.write(`  ${setup.endpoint}, ${settingsOf(setup)}: \`up\` in ${seconds.toFixed(0)} s`);
  const access = accessOf((await cluster.outputs()).kubeconfig as string);
  const servers = topology.servers.map(({ name }) => cluster.machine(name));
  return { servers, balancers, vip: topology.vip, access };
}

async function take(ground: Ground, cell: Cell): Promise<void> {
  const wanted = Math.min(options.turn, options.runs - rowsOf(rows, cell).length);
  for (let i = 0; i < wanted && Date.now() < until; i++) {
    const found = await measure(ground, cell, `bench-${rows.length}`);
    const row = { key: keyOf(cell), settings: settingsOf(cell), ...found };
    rows.push(row);
    writeRows(rows);
    const deposed = row.elections ? `, ${row.elections} ELECTIONS at the return` : "";
    const lost = row.lost > 0 ? `, ${row.lost} WRITES LOST` : "";
    screen.write(`  ${row.key}: new ${row.newMs} ms, kept ${row.keptMs} ms${deposed}${lost}`);
  }
}

function report(): void {
  heading(screen, "The API away when a machine loses its power");
  for (const line of table(heads, lines(rows), screen.look)) screen.write(line);
  const rate = `${1000 / paceMs} requests a second by each client, each given up after ${timeoutMs / 1000} s`;
  screen.write(
    `  ${rate}; a kept connection lives as long as TCP and client-go let it. Three servers, stand-in for k3s.`,
  );
  heading(screen, "Aims");
  const found = verdicts(rows);
  const held = (yes: boolean) => (yes ? "held" : "NOT HELD");
  const texts = found.map((one) => [one.what, one.found, one.limit, held(one.held)]);
  for (const line of table(["figure", "found", "aim", ""], texts, screen.look)) screen.write(line);
  process.exitCode = found.every((one) => one.held) ? 0 : 1;
}
