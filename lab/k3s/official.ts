import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Checksums, officialMirror, pinnedReleases } from "../../config/releases.ts";
import { get, mismatch } from "../toolchain/download.ts";
import { reachable } from "../toolchain/probe.ts";
import { architecture, releasesDirectory } from "./cache.ts";

/** Where releases are published, and what their binaries must hash to. */
export type Source = { mirror: string; pinned: Readonly<Record<string, Checksums>> };

const official: Source = { mirror: officialMirror, pinned: pinnedReleases };

/**
 * Downloads a pinned release and its images into the cache, where it appears when it is complete. The images' sum is that
 * of the release's own list, which is believed when it gives the pinned sum for the binary.
 * @returns false when it cannot be had; `onProgress` says why
 */
export async function downloadRelease(
  version: string,
  onProgress: (message: string) => void,
  { mirror, pinned }: Source = official,
): Promise<boolean> {
  const wanted = pinned[version]?.[architecture];
  if (wanted === undefined || !(await reachable(mirror))) return false;
  const url = (name: string) => `${mirror}/${encodeURIComponent(version)}/${name}`;
  const binary = architecture === "arm64" ? "k3s-arm64" : "k3s";
  const images = `k3s-airgap-images-${architecture}.tar.zst`;
  const directory = join(releasesDirectory(), version);
  await mkdir(dirname(directory), { recursive: true });
  const partial = await mkdtemp(`${directory}.`);
  try {
    onProgress(`downloading ${version}`);
    const list = url(`sha256sum-${architecture}.txt`);
    const sums = (await get(list)).toString();
    const checked = async (name: string, sums: string) => {
      const content = await get(url(name));
      const problem = mismatch(content, sums, name);
      if (problem !== undefined) throw new Error(`${problem}, by ${list}`);
      return content;
    };
    if (sumIn(sums, binary) !== wanted)
      throw new Error(`${list} gives ${sumIn(sums, binary) ?? "nothing"} for ${binary}, want ${wanted}`);
    await writeFile(join(partial, "k3s"), await checked(binary, sums), { mode: 0o755 });
    onProgress(`downloading the images of ${version}`);
    await writeFile(join(partial, images), await checked(images, sums));
    await rename(partial, directory);
    return true;
  } catch (error) {
    onProgress(`${version} cannot be downloaded: ${(error as Error).message}`);
    return false;
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}

/** What a list of lines `<hex>  <name>` gives for a name. */
function sumIn(list: string, name: string): string | undefined {
  const line = list.split("\n").find((line) => line.trim().split(/\s+\*?/)[1] === name);
  return line?.trim().split(/\s/)[0]?.toLowerCase();
}
