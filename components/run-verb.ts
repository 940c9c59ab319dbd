import { execute, reasonOf } from "../ssh/execute.ts";
import type { Session } from "../ssh/probe.ts";
import { type Flag, scriptCommand } from "./command-line.ts";
import { scriptsBundle } from "./scripts.ts";

export interface VerbOptions {
  /** Seconds that the verb may take. */
  readonly seconds: number;
  /** Receives its progress, line by line, while it comes. */
  readonly say: (line: string) => void;
  /** Standard input. */
  readonly stdin?: string;
}

/** Read once, and not at all where nothing is run. */
let read: string | undefined;

/** The scripts of this checkout, as they are sent to a machine that need not have any. */
export const bundle = (): string => (read ??= scriptsBundle());

/**
 * Runs a verb of `k3s-node` from this checkout; what is on the node does not matter.
 * @returns its one line of JSON
 * @throws Error with the last thing that the node said, or that the connection was lost
 */
export async function runVerb(
  session: Session,
  verb: string,
  flags: readonly Flag[],
  { seconds, say, stdin = "" }: VerbOptions,
): Promise<string> {
  const command = scriptCommand(session.node.user, seconds, { verb, flags }, Buffer.byteLength(bundle()));
  const how = { stdin: bundle() + stdin, timeoutMs: (seconds + 10) * 1000, onLine: say };
  const ran = await execute(session, command, how);
  if (ran.code !== 0) throw new Error(reasonOf(ran, verb));
  return ran.stdout;
}

/** A message that names the node: what it said itself, and what is known to be about it, does so already. */
export function aboutNode(name: string, { message }: Error): string {
  return message.startsWith(name) || message.includes(` ${name}: `) ? message : `${name}: ${message}`;
}
