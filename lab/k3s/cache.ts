import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { access, readdir } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { type Architecture, type Checksums, pinnedReleases } from "../../config/releases.ts";
import { cacheDir } from "../paths.ts";
import { oldestFirst } from "./versions.ts";

/** A real release on this host. */
export type RealRelease = {
  version: string;
  /** Its binary. */
  path: string;
  /** Archives of the container images that came with it. */
  archives: readonly string[];
};

/** Of this machine, as k3s calls it. */
export const architecture: Architecture = process.arch === "arm64" ? "arm64" : "amd64";

/** `k3s/<version>/k3s` with its image archives beside it, laid there by a download or by hand. */
export const releasesDirectory = (): string => join(cacheDir(), "k3s");

/** Archives of images that belong to no release, kube-vip's above all. */
export const imagesDirectory = (): string => join(cacheDir(), "images");

/** The releases in the cache, the oldest first. */
export async function cachedReleases(): Promise<RealRelease[]> {
  const versions = oldestFirst(await namesIn(releasesDirectory()));
  const all = versions.map(async (version) => {
    const directory = join(releasesDirectory(), version);
    const path = join(directory, "k3s");
    return (await exists(path)) ? [{ version, path, archives: await archivesIn(directory) }] : [];
  });
  return (await Promise.all(all)).flat();
}

/** The archives in the cache that belong to no release. */
export const cachedArchives = (): Promise<string[]> => archivesIn(imagesDirectory());

/** Archives as k3s imports them. */
async function archivesIn(directory: string): Promise<string[]> {
  const names = await namesIn(directory);
  return names
    .filter((name) => /\.(tar|tar\.gz|tar\.zst)$/.test(name))
    .sort()
    .map((name) => join(directory, name));
}

const namesIn = (directory: string): Promise<string[]> => readdir(directory).catch(() => []);

const exists = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  );

/** Of a file, hex. */
export async function sha256(file: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(file), hash);
  return hash.digest("hex");
}

/** What is to be said about a binary's sum, by the sums that are pinned: nothing when it is the release's own. */
export function doubt(
  version: string,
  sum: string,
  pinned: Readonly<Record<string, Checksums>> = pinnedReleases,
): "altered" | "unpinned" | undefined {
  const wanted = pinned[version]?.[architecture];
  if (wanted === undefined) return "unpinned";
  return sum === wanted ? undefined : "altered";
}
