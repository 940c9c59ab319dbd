import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { connectionLost, start } from "./execute.ts";
import type { Session } from "./probe.ts";

/** Below the login user's home, or absolute; of characters that mean nothing to a shell. */
const plain = /^(?!-)[A-Za-z0-9._/-]+$/;

/**
 * Writes what comes into a new file of the login user on a node, which only its owner may read. It appears whole or not
 * at all: `bytes` is what must have arrived.
 * @throws Error when it breaks off on either side, or cannot be written there; then there is no file
 */
export async function sendFile(
  session: Session,
  source: Readable,
  path: string,
  bytes: number,
): Promise<void> {
  if (!plain.test(path)) throw new Error(`${path} must not reach a command line`);
  const part = `${path}.part`;
  const command = `umask 077 && cat >${part} && test "$(stat -c %s ${part})" = ${bytes} && sync ${part} && mv ${part} ${path} || { rm -f ${part}; exit 1; }`;
  const { channel, ended } = await start(session, command);
  channel.resume(); // it says nothing, but while nobody reads it never ends
  const sent = pipeline(source, channel).then(
    () => undefined,
    (error: NodeJS.ErrnoException) => error,
  );
  const { code, stderr } = await ended;
  const failure = await sent;
  if (code === 0 && !failure) return;
  throw new Error(`${path} could not be written: ${stderr.trim() || reason()}`);

  function reason(): string {
    // the other error is the source's own; it closes the channel as well
    if (failure && failure.code !== "ERR_STREAM_PREMATURE_CLOSE") return failure.message;
    return code === null ? connectionLost : `it is not the ${bytes} bytes that it should be`;
  }
}
