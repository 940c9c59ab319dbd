/**
 * `node components/local-check.ts`: reads facts of all nodes from standard input (see `checkInput`) and fails when together
 * they forbid to start. One line of JSON on standard output and exit code 0, or an explanation on standard error and 1.
 */
import { text } from "node:stream/consumers";
import { checkNodes } from "./check-nodes.ts";

try {
  console.log(JSON.stringify(checkNodes(await text(process.stdin))));
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
