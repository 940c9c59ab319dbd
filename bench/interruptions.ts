/**
 * `npm run test:interruptions`: every step of a server's bring-up, interrupted before and after it, in three ways, for the
 * server that founds the cluster and for the last one that joins. One more run must converge in every cell. Ends with
 * exit code 1 when one does not. About half a minute a cell.
 */
import { Command, Option } from "commander";
import { Board } from "../lab/board.ts";
import { killTree, startClient } from "../lab/client-process.ts";
import { type Cluster, openCluster, startOver } from "../lab/cluster.ts";
import { membersOf } from "../lab/etcd.ts";
import { type Prepared, prepare } from "../lab/prepare.ts";
import { heading, openScreen } from "../lab/screen.ts";
import { table } from "../lab/table.ts";
import { waitFor } from "../lab/wait.ts";
import { causes, interrupt, matrix, moments, type Outcome, steps } from "./interruptions/cell.ts";
import { keep } from "./interruptions/checkpoint.ts";
import { release, stopAt, stopped } from "./interruptions/stop.ts";

type Role = "founds" | "joins";

const options = new Command("test:interruptions")
  .option("--instance <name>", "the lab to use; what is in it is lost", "interruptions")
  .option("--k3s <file>", "a real k3s binary, instead of the stand-in")
  .addOption(new Option("--only <role>", "one of the two servers only").choices(["founds", "joins"]))
  .option("--step <name>", "one step only")
  .parse()
  .opts<{ instance: string; k3s?: string; only?: Role; step?: string }>();

const screen = openScreen();
const roles: Role[] = options.only ? [options.only] : ["founds", "joins"];
let failed = 0;
for (const role of roles) failed += await run(role);
process.exit(failed === 0 ? 0 : 1);

async function run(role: Role): Promise<number> {
  const servers = role === "founds" ? 1 : 3;
  const wanted = { ...options, instance: `${options.instance}-${role}`, servers, agents: 0 };
  const prepared = await prepare(wanted, new Board(), () => 0);
  const victim = `server-${servers}`;
  heading(screen, `The server that ${role}`);
  try {
    const back = role === "founds" ? () => startOver(prepared) : await lastServerMissing(prepared, victim);
    const outcomes: Outcome[] = [];
    for (const cell of matrix.filter(({ step }) => options.step === undefined || step === options.step)) {
      await back();
      const cluster = await open(prepared, servers - 1);
      const outcome = await interrupt(cluster, cluster.machine(victim), cell, prepared.env);
      outcomes.push(outcome);
      const how = outcome.error ?? `converged in ${outcome.secondSeconds.toFixed(1)} s`;
      screen.write(`  ${cell.cause} ${cell.moment} ${cell.step}: ${how}`);
    }
    screen.write("");
    for (const line of verdictTable(outcomes)) screen.write(line);
    const bad = outcomes.filter(({ error }) => error !== undefined).length;
    screen.write(`  ${outcomes.length - bad} of ${outcomes.length} converged`);
    return bad;
  } finally {
    await prepared.close();
    await prepared.lab.down();
  }
}

async function open(prepared: Prepared, living: number): Promise<Cluster> {
  const cluster = await openCluster(prepared, new Board(), () => 0);
  await cluster.configure({});
  const members = cluster.topology.servers.slice(0, living).map(({ name }) => cluster.machine(name));
  const answer = () => Promise.all(members.map(membersOf));
  await waitFor("the living servers", answer, { timeoutMs: 60_000 });
  return cluster;
}

/** A cluster whose last server has not been begun: kept once, brought back for every cell. */
async function lastServerMissing(prepared: Prepared, victim: string): Promise<() => Promise<void>> {
  const cluster = await open(prepared, 0);
  const machine = cluster.machine(victim);
  await stopAt(machine, "begin observe");
  const client = startClient(prepared.lab.instance, prepared.env);
  await stopped(machine, client.ended);
  for (const one of await prepared.lab.machines()) await one.powerOff();
  await release(machine);
  await killTree(client);
  return keep(prepared.lab);
}

/** One row a step and moment, one column a cause. */
function verdictTable(outcomes: readonly Outcome[]): string[] {
  const run = steps.filter((step) => outcomes.some((one) => one.step === step));
  const rows = run.flatMap((step) =>
    moments.map((moment) => {
      const of = (cause: string) =>
        outcomes.find((one) => one.step === step && one.moment === moment && one.cause === cause);
      return [`${moment} ${step}`, ...causes.map((cause) => verdict(of(cause)))];
    }),
  );
  return table(["point", ...causes], rows, screen.look);
}

function verdict(outcome: Outcome | undefined): string {
  if (!outcome) return "";
  return outcome.error === undefined ? `${outcome.secondSeconds.toFixed(1)} s` : "FAILED";
}
