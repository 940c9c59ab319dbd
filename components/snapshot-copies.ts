import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { chmod, mkdir, open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { z } from "zod";
import type { Fetched } from "../ssh/fetch.ts";

/** Where a node keeps its snapshots on demand, each with `.token` and `.json` beside it. */
const nodeDirectory = "/var/lib/homelab-k3s/snapshots";

/** What a node reported of a snapshot; it becomes part of paths here and there, and is not trusted. */
const report = z.object({
  name: z.string().regex(/^[a-z0-9](?:[a-z0-9.-]{0,61}[a-z0-9])?$/),
  file: z.string().regex(/^\/[A-Za-z0-9._/-]*\/[a-z0-9][A-Za-z0-9.-]{0,200}$/),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  bytes: z.int().min(1),
});

/** What a server says of a snapshot that it does not have. */
const missing = z.object({ name: z.string(), missing: z.literal(true) });

/** Whether the server that was asked has no such snapshot: it was saved on another one, or deleted there. */
export function isMissing(reported: string): boolean {
  return missing.safeParse(JSON.parse(reported)).success;
}

/** Input of the step that copies, as the program writes it to standard input. */
export const copyInput = z.strictObject({
  /** How the node is reached, in the words of ssh/request.ts. */
  request: z.string(),
  /** What the node reported, as it printed it. */
  report: z.string(),
  directory: z.string().min(1),
});

export type CopyInput = z.input<typeof copyInput>;

/** A snapshot on this machine; its server token stands beside it, in `FILE.token`. */
export interface Copy {
  readonly file: string;
  readonly sha256: string;
  readonly bytes: number;
}

/**
 * Brings a snapshot, its server token and what is known of it into a directory that only its owner may enter. Each file
 * appears whole or not at all, the snapshot last. It carries the name that k3s gave it, which no other has, so a copy
 * is never written over; one that is whole already is not fetched again.
 * @param fetch Copies a file of the node into a new one here.
 * @throws Error when what arrives is not what the node saved
 */
export async function copySnapshot(
  reported: string,
  directory: string,
  fetch: (path: string, file: string) => Promise<Fetched>,
): Promise<Copy> {
  const { name, file, sha256, bytes } = report.parse(JSON.parse(reported));
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await chmod(directory, 0o700);
  const target = join(directory, file.slice(file.lastIndexOf("/") + 1));
  const source = `${nodeDirectory}/${name}`;
  const copy = { file: target, sha256, bytes };
  const found = await sumOf(target);
  if (found === sha256 && (await sumOf(`${target}.token`)) !== undefined) return copy;
  if (found !== undefined && found !== sha256) {
    throw new Error(
      `${target} has sha256 ${found}; the node saved ${sha256}. It is left as it is: move it away, then run again.`,
    );
  }
  await bring(`${source}.token`, `${target}.token`);
  await bring(`${source}.json`, `${target}.json`);
  await bring(source, target, (fetched) => {
    if (fetched.sha256 === sha256) return;
    throw new Error(
      `${name}: ${fetched.bytes} bytes with sha256 ${fetched.sha256} arrived; saved were ${bytes} bytes with ${sha256}. Run again.`,
    );
  });
  return copy;

  async function bring(
    from: string,
    to: string,
    check: (fetched: Fetched) => void = () => {},
  ): Promise<void> {
    const part = `${to}.part`;
    await rm(part, { force: true });
    try {
      check(await fetch(from, part));
      await rename(part, to);
      await sync(directory);
    } finally {
      await rm(part, { force: true });
    }
  }
}

async function sumOf(file: string): Promise<string | undefined> {
  const hash = createHash("sha256");
  try {
    await pipeline(createReadStream(file), hash);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  return hash.digest("hex");
}

/** A new name outlives a power cut once its directory was written. */
async function sync(directory: string): Promise<void> {
  const handle = await open(directory, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
