import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { rm } from "node:fs/promises";
import { finished } from "node:stream/promises";
import { reasonOf, start } from "./execute.ts";
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
  const { channel, ended } = await start(session, `${sudo}cat ${path}`);
  const hash = createHash("sha256");
  let bytes = 0;
  channel.on("data", (data: Buffer) => {
    hash.update(data);
    bytes += data.length;
  });
  const writer = createWriteStream(file, { flags: "wx", mode: 0o600, flush: true });
  try {
    const [how] = await Promise.all([ended, finished(channel.pipe(writer))]);
    if (how.code !== 0) throw new Error(`${path} cannot be read there: ${reasonOf(how)}`);
    return { sha256: hash.digest("hex"), bytes };
  } catch (error) {
    writer.destroy();
    await rm(file, { force: true });
    throw error;
  }
}
