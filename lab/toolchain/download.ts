import { createHash } from "node:crypto";
import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { command } from "../machines/command.ts";
import { reachable } from "./probe.ts";
import type { Archive } from "./versions.ts";

/** Longest that one file may take, milliseconds: the largest archive has about 200 MB. */
const patience = 10 * 60_000;

/**
 * Downloads a release archive, checks it against the release's published checksums, and unpacks it into `directory`,
 * which appears only when it is complete.
 * @returns false when the archive or its checksums cannot be had, or do not fit; `onProgress` says why
 */
export async function download(
  archive: Archive,
  directory: string,
  onProgress: (message: string) => void,
): Promise<boolean> {
  const name = basename(archive.url);
  const answers = await Promise.all([archive.url, archive.checksums].map(reachable));
  if (answers.includes(false)) return false;
  await mkdir(dirname(directory), { recursive: true });
  const partial = await mkdtemp(`${directory}.`);
  try {
    const checksums = (await get(archive.checksums)).toString();
    onProgress(`downloading ${name}`);
    const content = await get(archive.url);
    const problem = mismatch(content, checksums, name);
    if (problem !== undefined) throw new Error(`${problem}, by ${archive.checksums}`);
    const file = join(partial, name);
    await writeFile(file, content);
    await command("tar", ["-xzf", file, "-C", partial]);
    await rm(file);
    await rename(partial, directory);
    return true;
  } catch (error) {
    onProgress(`${name} cannot be downloaded: ${(error as Error).message}`);
    return false;
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}

/** @throws when it does not answer with a file */
export async function get(url: string): Promise<Buffer> {
  const response = await fetch(url, { signal: AbortSignal.timeout(patience) });
  if (!response.ok) throw new Error(`${url} answers ${response.status}`);
  return Buffer.from(await response.arrayBuffer());
}

/**
 * What is wrong with a file by a list of checksums, if anything. A list has lines `<hex>  <name>`, names with or without
 * `./`; it is SHA-256, or SHA-1 in releases whose list `shasum` made (those of pulumi-random).
 */
export function mismatch(content: Uint8Array, checksums: string, name: string): string | undefined {
  const line = checksums.split("\n").find((line) => line.trim().split(/\s+\*?(?:\.\/)?/)[1] === name);
  const wanted = line?.trim().split(/\s/)[0]?.toLowerCase();
  if (wanted === undefined) return `${name} is not in the list of checksums`;
  const algorithm = { 64: "sha256", 40: "sha1" }[wanted.length];
  if (algorithm === undefined)
    return `${name} has a checksum of an unknown kind, ${wanted.length} digits long`;
  const found = createHash(algorithm).update(content).digest("hex");
  return found === wanted ? undefined : `${name} has ${algorithm} ${found}, want ${wanted}`;
}
