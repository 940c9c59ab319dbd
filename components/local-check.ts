/**
 * `node components/local-check.ts VERB`: what the program finds out on the machine where Pulumi runs.
 *
 * - `nodes` reads facts of all nodes from standard input and fails when together they forbid to start.
 * - `address` reads an address from standard input and says whether anything answers there.
 *
 * One line of JSON on standard output and exit code 0, or an explanation on standard error and 1.
 */
import { text } from "node:stream/consumers";
import { addressAnswers, checkNodes } from "./local-checks.ts";

const verbs: Readonly<Record<string, (input: string) => unknown>> = {
  nodes: checkNodes,
  address: async (input) => ({ answers: await addressAnswers(input.trim()) }),
};

try {
  const verb = verbs[process.argv[2] ?? ""];
  if (!verb) throw new Error(`local-check: wanted one of ${Object.keys(verbs).join(", ")}`);
  console.log(JSON.stringify(await verb(await text(process.stdin))));
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
