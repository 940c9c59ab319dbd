/**
 * `node ssh/reach.ts < request.json`: can this node be reached as the stack says? Runs before anything else
 * on a node. One line of JSON on standard output and exit code 0, or an explanation on standard error and 1.
 */
import { text } from "node:stream/consumers";
import { reach } from "./probe.ts";
import { parseRequest } from "./request.ts";

try {
  const request = parseRequest(await text(process.stdin));
  const reached = await reach(request, (line) => console.error(line));
  console.log(JSON.stringify(reached));
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
