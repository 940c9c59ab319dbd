import { createHash } from "node:crypto";
import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { command } from "../machines/command.ts";
import { reachable } from "../toolchain/probe.ts";
import { architecture } from "./cache.ts";

/** Milliseconds for one blob. */
const patience = 5 * 60_000;

const manifestTypes = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
  "application/vnd.docker.distribution.manifest.v2+json",
].join(", ");

type Descriptor = { digest: string; mediaType?: string; platform?: { os: string; architecture: string } };
type Manifest = { mediaType?: string; manifests?: Descriptor[]; config?: Descriptor; layers?: Descriptor[] };

/** `registry/repository:tag@sha256:...` in its parts. @throws when it is not pinned like that */
function partsOf(reference: string) {
  const parts = /^([^/]+)\/([^:@]+):([^@]+)@(sha256:[0-9a-f]{64})$/.exec(reference);
  if (!parts)
    throw new Error(`${reference}: found no image pinned by digest, want registry/name:tag@sha256:...`);
  const [, registry, repository, tag, digest] = parts as unknown as [string, string, string, string, string];
  return { registry, repository, name: `${registry}/${repository}:${tag}`, digest };
}

/**
 * Downloads an image that anybody may have, for this processor, into an archive that k3s imports. The archive appears when
 * it is complete; every part of it has the digest by which it was asked for, beginning with the pinned one.
 * @param base The registry's address. Default: https and its name.
 * @returns false when it cannot be had; `onProgress` says why
 */
export async function pullImage(
  reference: string,
  archive: string,
  onProgress: (message: string) => void,
  base?: string,
): Promise<boolean> {
  const { registry, repository, name, digest } = partsOf(reference);
  const address = base ?? `https://${registry}`;
  if (!(await reachable(address))) return false;
  await mkdir(dirname(archive), { recursive: true });
  const partial = await mkdtemp(`${archive}.`);
  try {
    onProgress(`downloading ${name}`);
    const get = await reader(`${address}/v2/${repository}`);
    const blobs = join(partial, "blobs/sha256");
    await mkdir(blobs, { recursive: true });
    const keep = async (kind: "manifests" | "blobs", of: string): Promise<Buffer> => {
      const content = await get(`${kind}/${of}`);
      const found = `sha256:${createHash("sha256").update(content).digest("hex")}`;
      if (found !== of) throw new Error(`${kind}/${of} has ${found}`);
      await writeFile(join(blobs, of.slice("sha256:".length)), content);
      return content;
    };
    const manifestOf = async (of: string) => {
      const content = await keep("manifests", of);
      return { size: content.length, manifest: JSON.parse(content.toString()) as Manifest };
    };
    const top = await manifestOf(digest);
    const own = top.manifest.manifests?.find(
      ({ platform }) => platform?.os === "linux" && platform.architecture === architecture,
    );
    if (top.manifest.manifests && !own) throw new Error(`it has no image for ${architecture}`);
    const { manifest } = own ? await manifestOf(own.digest) : top;
    if (!manifest.config || !manifest.layers) throw new Error(`${own?.digest ?? digest} has no layers`);
    for (const { digest: of } of [manifest.config, ...manifest.layers]) await keep("blobs", of);
    const mediaType = top.manifest.mediaType ?? manifestTypes.split(", ")[own ? 0 : 1];
    const annotations = { "io.containerd.image.name": name };
    const index = { schemaVersion: 2, manifests: [{ mediaType, digest, size: top.size, annotations }] };
    await writeFile(join(partial, "index.json"), JSON.stringify(index));
    await writeFile(join(partial, "oci-layout"), JSON.stringify({ imageLayoutVersion: "1.0.0" }));
    const packed = join(partial, "archive");
    await command("tar", ["-C", partial, "-cf", packed, "oci-layout", "index.json", "blobs"]);
    await rename(packed, archive);
    return true;
  } catch (error) {
    onProgress(`${name} cannot be downloaded: ${(error as Error).message}`);
    return false;
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}

/** Reads what lies below an address of a registry, with the token that it gives to anybody who asks. */
async function reader(repository: string): Promise<(path: string) => Promise<Buffer>> {
  let token: string | undefined;
  const ask = (path: string) =>
    fetch(`${repository}/${path}`, {
      headers: { accept: manifestTypes, ...(token && { authorization: `Bearer ${token}` }) },
      signal: AbortSignal.timeout(patience),
    });
  return async (path) => {
    let response = await ask(path);
    if (response.status === 401 && token === undefined) {
      token = await tokenFor(response.headers.get("www-authenticate") ?? "");
      response = await ask(path);
    }
    if (!response.ok) throw new Error(`${repository}/${path} answers ${response.status}`);
    return Buffer.from(await response.arrayBuffer());
  };
}

async function tokenFor(challenge: string): Promise<string> {
  const { realm, ...rest } = Object.fromEntries(
    [...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, key, value]) => [key, value]),
  ) as Record<string, string>;
  if (!realm) throw new Error(`it wants a login: ${challenge || "401"}`);
  const response = await fetch(`${realm}?${new URLSearchParams(rest)}`, {
    signal: AbortSignal.timeout(patience),
  });
  if (!response.ok) throw new Error(`${realm} answers ${response.status}`);
  return ((await response.json()) as { token: string }).token;
}
