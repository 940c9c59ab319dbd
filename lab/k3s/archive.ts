import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { command } from "../machines/command.ts";

type Index = { manifests?: { digest?: string; annotations?: Record<string, string> }[] };
type Manifest = { RepoTags?: string[] | null }[];

/** What k3s will know the images of an archive by: `docker.io/library/busybox:1`, `ghcr.io/a/b@sha256:...`. */
export async function imagesIn(archive: string): Promise<string[]> {
  const directory = await mkdtemp(join(tmpdir(), "images-"));
  try {
    // one of the two is missing in most archives, and tar then ends with an error
    const lists = ["index.json", "manifest.json"];
    const extract = ["--extract", `--file=${archive}`, `--directory=${directory}`, ...lists];
    const { stderr } = await command("tar", extract, { allowFailure: true });
    const [index, manifest] = await Promise.all(
      lists.map((name) => readFile(join(directory, name), "utf8").catch(() => undefined)),
    );
    if (index === undefined && manifest === undefined)
      throw new Error(
        `${archive}: found no list of images in it (${stderr.trim().split("\n")[0]}), want an archive as \`docker save\` or \`ctr images export\` writes it`,
      );
    return referencesIn(index, manifest);
  } finally {
    await rm(directory, { recursive: true });
  }
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
