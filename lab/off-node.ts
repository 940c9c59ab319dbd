import { chmod, open, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Machine } from "./machines/machine.ts";

const kept = "/var/lib/homelab-k3s/snapshots";

/** A snapshot on this machine, with its token beside it in `FILE.token`. */
export type Copy = { file: string; bytes: number };

/** Copies a snapshot that a server keeps, and its token, to a directory here. */
export async function copyOf(server: Machine, snapshot: string, directory: string): Promise<Copy> {
  const file = join(directory, snapshot);
  await fetch(server, `${kept}/${snapshot}.token`, `${file}.token`);
  return { file, bytes: await fetch(server, `${kept}/${snapshot}`, file) };
}

/** As base64: a snapshot is not text. */
async function fetch(server: Machine, from: string, to: string): Promise<number> {
  const { code, stdout, stderr } = await server.exec(`base64 -w 0 ${from}`);
  if (code !== 0) throw new Error(`${server.name}: ${from} cannot be read: ${stderr}`);
  const content = Buffer.from(stdout, "base64");
  await rm(to, { force: true });
  const handle = await open(to, "wx", 0o600);
  await handle.writeFile(content);
  await handle.close();
  await chmod(to, 0o600);
  return content.length;
}
