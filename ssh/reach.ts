/**
 * `node ssh/reach.ts < requests.json`: can these nodes be reached as the stack says? Runs before anything else on a node.
 * Standard input is a list. One line of JSON on standard output and exit code 0, or an explanation for each that
 * cannot be reached on standard error and 1.
 */
import { text } from "node:stream/consumers";
import { reach } from "./probe.ts";
import { parseRequests } from "./request.ts";

try {
  const requests = parseRequests(await text(process.stdin));
  const outcomes = await Promise.allSettled(
    requests.map((request) => reach(request, (line) => console.error(line))),
  );
  const problems = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason] : []));
  if (problems.length > 0) throw new Error(problems.map((problem: Error) => problem.message).join("\n"));
  console.log(JSON.stringify(outcomes.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []))));
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
