/**
 * `node components/local-measure.ts`: measures machines and the network between them, as standard input says (see
 * `measureInput`). One line of JSON on standard output and exit code 0, or an explanation on standard error and 1.
 */
import { text } from "node:stream/consumers";
import { measureAll, measureInput } from "./measuring.ts";

try {
  const input = measureInput.parse(JSON.parse(await text(process.stdin)));
  const { warnings } = await measureAll(input);
  for (const warning of warnings) console.error(`warning: ${warning}`);
  console.log(JSON.stringify({ measured: input.machines.length }));
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
