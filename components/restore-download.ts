/**
 * `node components/restore-download.ts`: brings a snapshot out of S3 to the server that is restored from it, through the
 * machine where Pulumi runs: whatever curl a node has, the request is signed alike. One that is there is not fetched
 * again. Standard input is `downloadInput`; exit code 0, or an explanation on standard error and 1.
 */
import { text } from "node:stream/consumers";
import { z } from "zod";
import { execute } from "../ssh/execute.ts";
import { openSession } from "../ssh/probe.ts";
import { parseRequest } from "../ssh/request.ts";
import { sendFile } from "../ssh/send.ts";
import { openObject, s3Object } from "./s3-object.ts";

/** Input of the step, as the program writes it. */
const downloadInput = z.strictObject({
  /** How the node is reached, in the words of ssh/request.ts. */
  request: z.string(),
  object: s3Object,
  /** Where the node wants it, below the login user's home. */
  path: z.string().regex(/^\.homelab-k3s\/[a-z0-9.-]+$/),
});

export type DownloadInput = z.input<typeof downloadInput>;

/** Milliseconds for a look at a file. */
const lookMs = 30_000;

try {
  const { request, object, path } = downloadInput.parse(JSON.parse(await text(process.stdin)));
  const session = await openSession(parseRequest(request), (line) => console.error(line));
  try {
    const there = await execute(session, `test -s ${path}`, { timeoutMs: lookMs });
    if (there.code !== 0) {
      const { body, bytes } = await openObject(object);
      await sendFile(session, body, path, bytes);
      console.error(`${object.name}: ${bytes} bytes from S3`);
    }
  } finally {
    session.end();
  }
} catch (error) {
  console.error(`restore: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
