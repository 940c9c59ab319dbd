import { createInterface } from "node:readline/promises";
import { Refusal } from "../refusal.ts";

/**
 * Asks the person at the terminal to type a stack's name: a habit of pressing Enter or `y` does not get past that.
 * @throws Refusal when something else is typed, or nobody is there to type
 */
export async function typeTheName(stack: string, what: string, signal: AbortSignal): Promise<void> {
  if (!process.stdin.isTTY)
    throw new Refusal(
      "a drill on a real stack wants a person at a terminal, who types the stack's name. Rehearse it with --lab INSTANCE",
    );
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const typed = await terminal.question(`${what}.\nType the stack's name (${stack}) to go on: `, {
      signal,
    });
    if (typed.trim() !== stack)
      throw new Refusal(`found ${JSON.stringify(typed.trim())}, want ${stack}: nothing was done`);
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    terminal.close();
  }
}
