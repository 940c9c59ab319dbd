/**
 * `node ssh/reach.ts < requests.json`: can these nodes be reached as the stack says? Runs before anything else on a node.
 * Standard input is a list. One line of JSON on standard output and exit code 0, or an explanation for each that
 * cannot be reached on standard error and 1.
 */
import { text } from "node:stream/consumers";
import { reach } from "./probe.ts";
import { parseRequests } from "./request.ts";
import { allReached } from "./sessions.ts";

try {
  const requests = parseRequests(await text(process.stdin));
  const reached = await allReached(requests, (request) => reach(request, (line) => console.error(line)));
  console.log(JSON.stringify(reached));
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
