import { spawn } from "node:child_process";
import { once } from "node:events";
import { createReadStream } from "node:fs";
import { access, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGunzip, createZstdDecompress } from "node:zlib";

type Index = { manifests?: { digest?: string; annotations?: Record<string, string> }[] };
type Manifest = { RepoTags?: string[] | null }[];

/** What k3s will know the images of an archive by: `docker.io/library/busybox:1`, `ghcr.io/a/b@sha256:...`. */
export async function imagesIn(archive: string): Promise<string[]> {
  await access(archive).catch(() => {
    throw new Error(`${archive}: found no such file, want an archive of container images`);
  });
  const directory = await mkdtemp(join(tmpdir(), "images-"));
  try {
    const lists = ["index.json", "manifest.json"];
    await extract(archive, directory, lists);
    const [index, manifest] = await Promise.all(
      lists.map((name) => readFile(join(directory, name), "utf8").catch(() => undefined)),
    );
    if (index === undefined && manifest === undefined)
      throw new Error(
        `${archive}: found no list of images in it, want an archive as \`docker save\` or \`ctr images export\` writes it`,
      );
    return referencesIn(index, manifest);
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** Extracts those of the files that there are. Hosts without zstd have Node's. */
async function extract(archive: string, directory: string, names: readonly string[]): Promise<void> {
  const tar = spawn("tar", ["--extract", "--file=-", `--directory=${directory}`, ...names], {
    stdio: ["pipe", "ignore", "ignore"],
  });
  const ended = once(tar, "close");
  const packed = createReadStream(archive);
  const plain = archive.endsWith(".gz")
    ? [createGunzip()]
    : archive.endsWith(".zst")
      ? [createZstdDecompress()]
      : [];
  // what cannot be read shows in what is missing
  await pipeline([packed, ...plain, tar.stdin]).catch(() => {});
  await ended;
}

/** Pure part of {@link imagesIn}: the texts of the archive's index.json (OCI) and manifest.json (Docker). */
export function referencesIn(index: string | undefined, manifest: string | undefined): string[] {
  const { manifests = [] } = JSON.parse(index ?? "{}") as Index;
  const named = manifests.flatMap(({ digest, annotations = {} }) => {
    const name = annotations["io.containerd.image.name"] ?? annotations["org.opencontainers.image.ref.name"];
    if (!name?.includes("/")) return [];
    const full = fullName(name);
    // k3s gives every image that it imports a second name, by its digest
    return digest === undefined || full.includes("@") ? [full] : [full, `${repository(full)}@${digest}`];
  });
  if (named.length > 0) return named;
  const images = JSON.parse(manifest ?? "[]") as Manifest;
  return images.flatMap(({ RepoTags }) => RepoTags ?? []).map(fullName);
}

/** With the registry and the namespace that Docker leaves out. */
function fullName(name: string): string {
  const [first = "", ...rest] = name.split("/");
  if (rest.length === 0) return `docker.io/library/${name}`;
  return /[.:]/.test(first) || first === "localhost" ? name : `docker.io/${name}`;
}

const repository = (reference: string): string => reference.replace(/@.*$/, "").replace(/:[^/:]*$/, "");

/** Whether one of these images is run for this reference: the digest counts where it has one, else the tag. */
export function hasImage(images: readonly string[], reference: string): boolean {
  const digest = /@(.+)$/.exec(reference)?.[1];
  const full = fullName(reference);
  if (digest === undefined) return images.includes(full);
  return images.some((image) => image.endsWith(`@${digest}`) && repository(image) === repository(full));
}
