/**
 * `node components/local-preflight.ts`: looks at all machines of the stack, as standard input says (see `lookInput`).
 * One line of JSON on standard output and exit code 0, or an explanation on standard error and 1.
 */
import { text } from "node:stream/consumers";
import { lookAtAll, lookInput } from "./look.ts";

try {
  const input = lookInput.parse(JSON.parse(await text(process.stdin)));
  console.log(JSON.stringify(await lookAtAll(input, console.error)));
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
