/**
 * `node components/local-part-time.ts [leave]`: brings a part-time agent up to date, or takes it out of the cluster, as
 * standard input says (see `partTimeInput`). A machine that is off is no failure. One line of JSON on standard output
 * and exit code 0, or an explanation on standard error and 1.
 */
import { text } from "node:stream/consumers";
import { bringUpToDate, partTimeInput, takeOut } from "./part-time.ts";

try {
  const input = partTimeInput.parse(JSON.parse(await text(process.stdin)));
  const work = process.argv[2] === "leave" ? takeOut : bringUpToDate;
  console.log(JSON.stringify(await work(input, console.error)));
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
