/**
 * `npm run test:interruptions`: every step of every operation, interrupted before and after it, in three ways. One more
 * run must converge in every cell. Ends with exit code 1 when one does not. Half a minute a cell, and about a minute
 * where a cluster lives already.
 */
import { Command, Option } from "commander";
import { Board } from "../lab/board.ts";
import { prepare } from "../lab/prepare.ts";
import { heading, openScreen } from "../lab/screen.ts";
import { table } from "../lab/table.ts";
import { beginning, open } from "./interruptions/beginning.ts";
import { type Cell, causes, interrupt, matrixOf, type Outcome, pointsOf } from "./interruptions/cell.ts";
import { operationNames, operationOf, stepsOf } from "./interruptions/operation.ts";

const options = new Command("test:interruptions")
  .option("--instance <name>", "the lab to use; what is in it is lost", "interruptions")
  .option("--k3s <file>", "a real k3s binary, instead of the stand-in")
  .addOption(new Option("--operation <name>", "one operation only").choices(operationNames()))
  .option("--step <names...>", "these steps only")
  .addOption(new Option("--cause <names...>", "these causes only").choices(causes))
  .parse()
  .opts<{ instance: string; k3s?: string; operation?: string; step?: string[]; cause?: string[] }>();

const screen = openScreen();
const names = options.operation ? [options.operation] : operationNames();
const known = new Set((await Promise.all(names.map(operationOf))).flatMap(stepsOf));
const unknown = (options.step ?? []).filter((step) => !known.has(step));
if (unknown.length > 0) {
  console.error(`error: there is no step ${unknown.join(", ")}; there are ${[...known].join(", ")}`);
  process.exit(2);
}
let failed = 0;
for (const name of names) failed += await run(name);
process.exit(failed === 0 ? 0 : 1);

function chosen({ step, cause }: Cell): boolean {
  return (options.step ?? [step]).includes(step) && (options.cause ?? [cause]).includes(cause);
}

async function run(name: string): Promise<number> {
  const operation = await operationOf(name);
  const { servers, agents, versions, victim } = operation;
  const more = { ...(versions && { versions }), ...(options.k3s && { k3s: options.k3s }) };
  const wanted = { instance: `${options.instance}-${name}`, servers, agents, ...more };
  const prepared = await prepare(wanted, new Board(), () => 0);
  heading(screen, `${name}: ${victim} is interrupted`);
  const steps = stepsOf(operation);
  try {
    const back = await beginning(prepared, operation);
    const outcomes: Outcome[] = [];
    for (const cell of matrixOf(steps).filter(chosen)) {
      await back();
      const cluster = await open(prepared, operation);
      await operation.change?.(cluster, prepared);
      const outcome = await interrupt(cluster, cluster.machine(victim), cell, prepared.env, operation.check);
      outcomes.push(outcome);
      const how = outcome.error ?? `converged in ${outcome.secondSeconds.toFixed(1)} s`;
      screen.write(`  ${cell.cause} ${cell.moment} ${cell.step}: ${how}`);
    }
    screen.write("");
    for (const line of verdictTable(steps, outcomes)) screen.write(line);
    const bad = outcomes.filter(({ error }) => error !== undefined).length;
    screen.write(`  ${name}: ${outcomes.length - bad} of ${outcomes.length} converged`);
    return bad;
  } finally {
    await prepared.close();
    await prepared.lab.down();
  }
}

/** One row a step and moment, one column a cause. */
function verdictTable(steps: readonly string[], outcomes: readonly Outcome[]): string[] {
  const rows = pointsOf(steps).flatMap(({ moment, step }) => {
    const of = outcomes.filter((one) => one.step === step && one.moment === moment);
    const row = causes.map((cause) => verdict(of.find((one) => one.cause === cause)));
    return of.length > 0 ? [[`${moment} ${step}`, ...row]] : [];
  });
  return table(["point", ...causes], rows, screen.look);
}

function verdict(outcome: Outcome | undefined): string {
  if (!outcome) return "";
  return outcome.error === undefined ? `${outcome.secondSeconds.toFixed(1)} s` : "FAILED";
}
