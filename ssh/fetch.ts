import { createHash } from "node:crypto";
import { open, rm } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import type { ClientChannel } from "ssh2";
import type { Session } from "./probe.ts";

/** What arrived. */
export interface Fetched {
  readonly sha256: string;
  readonly bytes: number;
}

/**
 * Copies one of root's files from a node into a new file here that only its owner may read. Whoever calls this checks
 * the sum: a connection that is cut can look like an end.
 * @param path On the node; of characters that mean nothing to a shell.
 * @throws Error when it cannot be read there or written here; then there is no file here.
 */
export async function fetchFile(session: Session, path: string, file: string): Promise<Fetched> {
  if (!/^\/[A-Za-z0-9._/-]+$/.test(path)) throw new Error(`${path} must not reach a command line`);
  const sudo = session.node.user === "root" ? "" : "sudo -n ";
  const channel = await start(session, `${sudo}cat ${path}`);
  let complaint = "";
  let code: number | null = null;
  channel.stderr.on("data", (data: Buffer) => {
    complaint += data;
  });
  channel.on("exit", (status: number | null) => {
    code = status;
  });
  const closed = new Promise<void>((resolve) => channel.once("close", () => resolve()));
  const hash = createHash("sha256");
  let bytes = 0;
  const handle = await open(file, "wx", 0o600);
  try {
    await pipeline(
      channel,
      async function* (chunks: AsyncIterable<Buffer>) {
        for await (const chunk of chunks) {
          hash.update(chunk);
          bytes += chunk.length;
          yield chunk;
        }
      },
      handle.createWriteStream({ flush: true }),
    );
    await closed;
    if (code !== 0)
      throw new Error(`${path} cannot be read there: ${complaint.trim() || `exit code ${code}`}`);
    return { sha256: hash.digest("hex"), bytes };
  } catch (error) {
    await handle.close().catch(() => {});
    await rm(file, { force: true });
    throw error;
  }
}

function start({ client }: Session, command: string): Promise<ClientChannel> {
  return new Promise((resolve, reject) => {
    client.once("close", () => reject(new Error("the connection was closed")));
    client.exec(command, (error, channel) => (error ? reject(error) : resolve(channel)));
  });
}
