/**
 * `node components/snapshot-copy.ts`: copies a snapshot from its node to the machine where Pulumi runs, as standard
 * input says (see `copyInput`). One line of JSON on standard output and exit code 0, or an explanation on standard
 * error and 1.
 */
import { text } from "node:stream/consumers";
import { fetchFile } from "../ssh/fetch.ts";
import { openSession } from "../ssh/probe.ts";
import { parseRequest } from "../ssh/request.ts";
import { copyInput, copySnapshot, isMissing } from "./snapshot-copies.ts";

try {
  const { request, report, directory } = copyInput.parse(JSON.parse(await text(process.stdin)));
  if (isMissing(report)) {
    console.log(report);
    process.exit();
  }
  const session = await openSession(parseRequest(request), (line) => console.error(line));
  try {
    const copy = await copySnapshot(report, directory, (path, file) => fetchFile(session, path, file));
    console.error(`${copy.file}: ${copy.bytes} bytes, with its token beside it`);
    console.log(JSON.stringify(copy));
  } finally {
    session.end();
  }
} catch (error) {
  console.error(`backup.copyTo: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
