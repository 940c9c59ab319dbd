/**
 * `node components/address-check.ts`: asks all machines of the stack who has the endpoint's address, as standard input
 * says (see `checkInput`), until exactly one has it and the API answers there. One line of JSON on standard output and
 * exit code 0, or an explanation on standard error and 1.
 */
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { type AddressReport, addressReport, type HolderProblem, holderProblem } from "../config/holders.ts";
import { execute, reasonOf } from "../ssh/execute.ts";
import type { Session } from "../ssh/probe.ts";
import { parseRequest } from "../ssh/request.ts";
import { withSessions } from "../ssh/sessions.ts";
import { aboutNode } from "./run-verb.ts";

const checkInput = z.strictObject({
  address: z.string(),
  /** Seconds within which it must have settled. */
  patience: z.number(),
  machines: z
    .array(
      z.strictObject({
        request: z.string().transform(parseRequest),
        command: z.string(),
        carrier: z.boolean(),
      }),
    )
    .min(1),
});

type Machine = z.output<typeof checkInput>["machines"][number];

/** Milliseconds between two looks, and for one. */
const restMs = 500;
const lookMs = 20_000;

try {
  const { address, patience, machines } = checkInput.parse(JSON.parse(await text(process.stdin)));
  const requests = machines.map(({ request }) => request);
  const { reports, problem } = await withSessions(requests, console.error, (sessions) =>
    settled(address, patience, machines, sessions),
  );
  if (problem?.severity === "critical")
    throw new Error(`CRITICAL: ${problem.found}, after ${patience} s. ${problem.next}`);
  if (problem) console.error(`${problem.found}. ${problem.next}`);
  const holders = reports.filter((report) => report.interface !== null).map(({ node }) => node);
  console.log(JSON.stringify({ address, holders }));
} catch (error) {
  console.error(`endpoint.address: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}

/** What all machines say once nothing critical is left, or when the patience is at its end. */
async function settled(
  address: string,
  patience: number,
  machines: readonly Machine[],
  sessions: readonly Session[],
): Promise<{ reports: AddressReport[]; problem: HolderProblem | undefined }> {
  const until = Date.now() + patience * 1000;
  for (;;) {
    const reports = await Promise.all(machines.map((machine, index) => ask(machine, sessions[index]!)));
    const problem = holderProblem(address, reports);
    if (problem?.severity !== "critical" || Date.now() > until) return { reports, problem };
    await sleep(restMs);
  }
}

async function ask(
  { request: { name }, command, carrier }: Machine,
  session: Session,
): Promise<AddressReport> {
  const ran = await execute(session, command, { timeoutMs: lookMs }).catch((error: Error) => {
    throw new Error(aboutNode(name, error));
  });
  if (ran.code !== 0) throw new Error(aboutNode(name, new Error(reasonOf(ran))));
  const report = addressReport.parse(JSON.parse(ran.stdout));
  if (report.node !== name) throw new Error(`${name}: ${report.node} answered`);
  return { ...report, carrier };
}
