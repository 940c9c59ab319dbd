import { createReadStream, statSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import type { NodeFacts } from "../config/facts.ts";
import { isOlder } from "../config/version.ts";
import { execute } from "../ssh/execute.ts";
import { type Failure, worthRetrying } from "../ssh/failure.ts";
import { openSession, type Session } from "../ssh/probe.ts";
import { parseRequest, type Request } from "../ssh/request.ts";
import { sendFile } from "../ssh/send.ts";
import { withSessions } from "../ssh/sessions.ts";
import { type Flag, flagList } from "./command-line.ts";
import { readFacts } from "./results.ts";
import { aboutNode, runVerb } from "./run-verb.ts";
import { admitFlags } from "./server-flags.ts";

/** What the steps on a part-time agent's machine, and on the server that knows it, are given. Secret. */
export const partTimeInput = z.strictObject({
  name: z.string(),
  version: z.string(),
  /** How the machine and the server are reached, in the words of ssh/request.ts. */
  machine: z.string(),
  server: z.string(),
  /** Files for a machine that reaches no mirror, and where they go. */
  uploads: z.array(z.strictObject({ file: z.string(), remotePath: z.string() })),
  /** The flags of each verb. */
  inspect: flagList,
  fetch: flagList,
  agent: flagList,
  remove: flagList,
  forget: flagList,
  /** Standard input of the verb `agent`: token and configuration. */
  settings: z.string(),
  /** Seconds for one verb. */
  seconds: z.number(),
});

export type PartTimeInput = z.input<typeof partTimeInput>;

/** What came of it: `off` when the machine did not answer, `left` when it went away in the middle. */
export interface Outcome {
  readonly node: string;
  readonly state: "current" | "removed" | "off" | "left";
}

type Say = (line: string) => void;

/** Milliseconds in which a connection that is cut is also known to be closed. */
const closingMs = 1_000;

/**
 * Brings a part-time agent up to date, if its machine is on: looked at, admitted by a server, given the release, joined.
 * @throws Error when the machine answers and something is wrong with it, or the server does not let it in
 */
export function bringUpToDate(input: PartTimeInput, say: Say): Promise<Outcome> {
  const { name, version, uploads, settings, seconds } = input;
  return whileOn(input, say, async (machine) => {
    const facts = readFacts(name, await run(machine, input, "inspect", say));
    refuseOlder(facts, version);
    await onServer(input, say, "admit", admitFlags(name, facts.machineId, seconds));
    // what was brought for the version that it runs is there already, and large
    if (facts.version !== version)
      for (const { file, remotePath } of uploads) await upload(machine, file, remotePath);
    await run(machine, input, "fetch", say);
    await run(machine, input, "agent", say, settings);
    return { node: name, state: "current" };
  });
}

/**
 * The machine leaves the cluster and k3s is taken off it, if it is on; the cluster forgets it in any case.
 * @throws Error when the machine refuses to leave, or no server answers
 */
export async function takeOut(input: PartTimeInput, say: Say): Promise<Outcome> {
  const { name, forget } = input;
  const outcome = await whileOn(input, say, async (machine) => {
    await run(machine, input, "remove", say);
    return { node: name, state: "removed" };
  });
  await onServer(input, say, "forget", forget);
  if (outcome.state !== "removed")
    say(`${name}: k3s stays on its disk. When it is switched on it comes back as a Node: docs/part-time.md`);
  return outcome;
}

async function whileOn(
  { name, machine }: PartTimeInput,
  say: Say,
  work: (session: Session) => Promise<Outcome>,
): Promise<Outcome> {
  const session = await openIfOn({ ...parseRequest(machine), waitSeconds: 0 }, say);
  if (!session) return { node: name, state: "off" };
  const closed = new Promise<true>((resolve) => session.client.once("close", () => resolve(true)));
  try {
    return await work(session);
  } catch (error) {
    if (!(await Promise.race([closed, sleep(closingMs, false)]))) throw error;
    say(`${name}: went away in the middle; it is part-time, so nothing waits for it`);
    return { node: name, state: "left" };
  } finally {
    session.end();
  }
}

/** A session, or undefined when no machine answers: what waiting could mend is a machine that is off. */
async function openIfOn(request: Request, say: Say): Promise<Session | undefined> {
  try {
    return await openSession(request, () => {});
  } catch (error) {
    const { message, cause } = error as Error & { cause?: Failure };
    if (cause === undefined || !worthRetrying(cause)) throw error;
    say(`${message.split("\n")[0]}; it is part-time, so nothing waits for it`);
    return undefined;
  }
}

/** Runs a verb on the server that knows the machine. */
async function onServer({ server, seconds }: PartTimeInput, say: Say, verb: string, flags: readonly Flag[]) {
  const request = parseRequest(server);
  const use = ([session]: readonly Session[]) =>
    runVerb(session!, verb, flags, { seconds, say }).catch((error: Error) => {
      throw new Error(aboutNode(request.name, error));
    });
  await withSessions([request], say, use);
}

/** Agents may skip minors, since their kubelet keeps nothing of its own; none may be newer than its servers. */
function refuseOlder({ node, version }: NodeFacts, wanted: string): void {
  if (version === null || !isOlder(wanted, version)) return;
  throw new Error(
    `${node}: found k3s ${version}, newer than the stack's ${wanted}; an agent must not be newer than its servers. Give the stack that version, or take the entry out while the machine is on, and add it again`,
  );
}

async function upload(session: Session, file: string, remotePath: string): Promise<void> {
  await execute(session, `mkdir -p ${dirname(remotePath)}`, { timeoutMs: 10_000 });
  await sendFile(session, createReadStream(file), remotePath, statSync(file).size);
}

const run = (
  session: Session,
  input: PartTimeInput,
  verb: "inspect" | "fetch" | "agent" | "remove",
  say: Say,
  stdin?: string,
): Promise<string> =>
  runVerb(session, verb, input[verb], { seconds: input.seconds, say, ...(stdin && { stdin }) });
