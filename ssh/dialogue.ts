import { createInterface } from "node:readline";
import { bound, type ExecuteOptions, reasonOf, start } from "./execute.ts";
import type { Session } from "./probe.ts";

/** A program on a node that answers, line by line, what it is told. */
export interface Dialogue {
  /** Tells it a line, and waits for the next one of its own. @throws as `hear` does */
  ask(line: string): Promise<string>;
  /**
   * The next line that it puts out.
   * @throws Error when it ended before one came, with the reason; when it takes too long or says too much
   */
  hear(): Promise<string>;
}

/**
 * Starts a program that is talked with; it ends when its standard input does, which it does with the session.
 * @param stdin what it reads before it is told anything
 * @param timeoutMs milliseconds for the whole conversation
 * @throws Error when the connection goes away before it began
 */
export async function converse(
  session: Session,
  command: string,
  { stdin = "", timeoutMs }: Omit<ExecuteOptions, "onLine">,
): Promise<Dialogue> {
  const { channel, ended } = await start(session, command);
  let stopped: string | undefined;
  const release = bound(channel, timeoutMs, (reason) => {
    stopped = reason;
  });
  ended.then(release);
  const lines = createInterface({ input: channel })[Symbol.asyncIterator]();
  channel.write(stdin);
  const hear = async () => {
    const { value, done } = await lines.next();
    if (stopped) throw new Error(stopped); // what came of a line by then is none
    if (!done) return value;
    const how = await ended;
    throw new Error(how.code === 0 ? "it ended without an answer" : reasonOf(how));
  };
  return {
    hear,
    ask(line) {
      channel.write(`${line}\n`);
      return hear();
    },
  };
}
