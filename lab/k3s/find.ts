import { access } from "node:fs/promises";
import { join, resolve } from "node:path";
import { kubeVipImage } from "../../config/images.ts";
import { command } from "../machines/command.ts";
import type { LabK3s } from "../machines/state.ts";
import { buildStandin, type ReleaseFile, release } from "../standin/mirror.ts";
import { hasImage, imagesIn } from "./archive.ts";
import {
  architecture,
  cachedArchives,
  cachedReleases,
  doubt,
  imagesDirectory,
  type RealRelease,
  releasesDirectory,
  sha256,
} from "./cache.ts";
import { downloadRelease } from "./official.ts";
import { runPods } from "./plan.ts";
import { pullImage } from "./pull.ts";
import { alike } from "./versions.ts";

/** Which k3s is asked for. */
export type K3sWish = {
  /** `real`, `standin`, `any` (real where it can be had) or the file of a real binary. */
  k3s: string;
  /** Archives of images beside those that are found. */
  images: readonly string[];
  /** Releases that stand to each other as these do; the stand-in plays these very ones. */
  versions: readonly string[];
};

/** What was found. */
export type FoundK3s = {
  standin: boolean;
  /** In the order in which they were wanted; the first is the one that is installed. */
  releases: readonly ReleaseFile[];
  /** Archives of container images, and what is in them. */
  archives: readonly string[];
  images: readonly string[];
  /** In a few words, for people. */
  from: string;
  /** What a reader should know. */
  notes: string[];
};

/**
 * A real k3s: the file that was named, what this lab stands on already, the cache, the official release; where none can be
 * had, and `any` was asked for, the stand-in.
 */
export async function findK3s(
  wish: K3sWish,
  kept: LabK3s | undefined,
  say: (text: string) => void,
): Promise<FoundK3s> {
  if (wish.k3s === "standin") return standin(wish, say, []);
  if (wish.k3s !== "real" && wish.k3s !== "any") {
    const file = resolve(wish.k3s);
    return real([await named(file)], wish, say, file);
  }
  if (wish.k3s === "any" && kept?.standin) return standin(wish, say, [missing("this lab was made with it")]);
  const found = await realReleases(wish.versions, kept, say);
  if (found) return real(found, wish, say);
  const where = `${releasesDirectory()}/<version>/k3s`;
  if (wish.k3s === "real")
    throw new Error(
      `k3s: found no real releases for ${wish.versions.join(", ")} in ${where}, and none to download. Lay them there, or name a binary with --k3s FILE`,
    );
  return standin(wish, say, [missing(`a real one is used when it lies in ${where}, or with --k3s FILE`)]);
}

const missing = (why: string) =>
  `k3s is stood in for: etcd and the API server are the real ones, but no pods run; ${why}`;

/** Undefined when they can be had nowhere. */
async function realReleases(
  versions: readonly string[],
  kept: LabK3s | undefined,
  say: (text: string) => void,
): Promise<RealRelease[] | undefined> {
  if (kept && !kept.standin && versions.length === 1) {
    if (await exists(kept.path)) return [kept];
    const again = (await cachedReleases()).find(({ version }) => version === kept.version);
    if (again) return [again];
    throw new Error(
      `k3s: found ${kept.path} gone, want the ${kept.version} that this lab runs. Lay it into the cache, name another with --k3s FILE, or remove the lab`,
    );
  }
  const there = await cachedReleases();
  const chosen = choose(versions, there);
  if (chosen || versions.length > 1) return chosen;
  if (!(await downloadRelease(versions[0]!, say))) return undefined;
  return choose(versions, await cachedReleases());
}

/** One version: itself, else the newest that is there. Several: those that stand to each other in the same way. Pure. */
export function choose(
  versions: readonly string[],
  there: readonly RealRelease[],
): RealRelease[] | undefined {
  const names = there.map(({ version }) => version);
  const only = versions.length === 1 ? versions[0]! : undefined;
  const one = only !== undefined && (names.includes(only) ? only : names.at(-1));
  const chosen = one ? [one] : alike(versions, names);
  return chosen?.map((name) => there.find(({ version }) => version === name)!);
}

/** A binary that somebody has: it says itself which release it is. */
async function named(file: string): Promise<RealRelease> {
  const { stdout, code } = await command(file, ["--version"], { allowFailure: true });
  const version = /^k3s version (v\S+)/m.exec(stdout)?.[1];
  if (code !== 0 || !version)
    throw new Error(
      `--k3s ${file}: found ${JSON.stringify(stdout.slice(0, 80))} as its version, want a k3s binary`,
    );
  const cached = (await cachedReleases()).find((one) => one.version === version);
  return { version, path: file, archives: cached?.archives ?? [] };
}

/** @param file The one that somebody named. */
async function real(
  found: readonly RealRelease[],
  wish: K3sWish,
  say: (text: string) => void,
  file?: string,
): Promise<FoundK3s> {
  const own = [...wish.images.map((image) => resolve(image)), ...found.flatMap(({ archives }) => archives)];
  const [releases, images] = await Promise.all([
    Promise.all(found.map(async (one) => ({ ...one, sha256: await sha256(one.path) }))),
    withKubeVip([...new Set([...own, ...(await cachedArchives())])], say),
  ]);
  const first = found[0]!;
  return {
    standin: false,
    releases,
    ...images,
    from: `${first.version} from ${first.path}`,
    notes: releases.flatMap((one) => noteOn(one, one.path === file)),
  };
}

/** What is in the archives; with that of kube-vip, which is no part of k3s, where it can be had. */
async function withKubeVip(
  archives: readonly string[],
  say: (text: string) => void,
): Promise<Pick<FoundK3s, "archives" | "images">> {
  const images = (await Promise.all(archives.map(imagesIn))).flat();
  if (!runPods(images) || hasImage(images, kubeVipImage)) return { archives, images };
  const more = join(imagesDirectory(), `kube-vip-${kubeVipImage.slice(-8)}.tar`);
  if (!(await pullImage(kubeVipImage, more, say))) return { archives, images };
  return { archives: [...archives, more], images: [...images, ...(await imagesIn(more))] };
}

/** @throws when it is not the release that it says it is, and nobody named the very file */
function noteOn({ version, path, sha256 }: ReleaseFile, named: boolean): string[] {
  const found = doubt(version, sha256);
  if (found === undefined) return [];
  if (found === "altered" && !named)
    throw new Error(
      `${path}: found sha256 ${sha256}, want that of ${version} (${architecture}) in config/releases.ts. Put the official file there, or remove this one`,
    );
  const why = found === "altered" ? "is another than the one that is" : "is not";
  return [
    `k3s ${version} is real, but its sum ${why} pinned in config/releases.ts: ${path} is taken as it is`,
  ];
}

async function standin(
  { versions }: K3sWish,
  say: (text: string) => void,
  notes: string[],
): Promise<FoundK3s> {
  const base = await buildStandin({ onProgress: say });
  const releases = await Promise.all(versions.map((version) => release(base, version)));
  const from = `stand-in that plays ${releases[0]!.version}`;
  return { standin: true, releases, archives: [], images: [], from, notes };
}

const exists = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  );
