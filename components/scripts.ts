import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The program's own directory; processes that it starts on this machine run there. */
export const projectRoot = fileURLToPath(new URL("..", import.meta.url)).replace(/\/$/, "");

/** The shell that runs on the nodes. Without a final slash: CopyToRemote then keeps the directory's name. */
export const scriptsDirectory = join(projectRoot, "node");

/** Where CopyToRemote puts it, below the login user's home. */
export const remoteDirectory = ".homelab-k3s";

/** Where a node finds the files of a release that were uploaded, below the login user's home. */
export const uploadDirectory = `${remoteDirectory}/upload`;

/** The entry point on a node, relative to the login user's home. */
export const remoteEntry = `${remoteDirectory}/node/k3s-node`;

const sha256 = (content: string | Buffer) => createHash("sha256").update(content).digest("hex");

/**
 * The content hash that a node compares with its own copy: sha256 over the lines of
 * `find . -type f | LC_ALL=C sort | xargs sha256sum`.
 */
export function scriptsHash(directory: string = scriptsDirectory): string {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => `./${path.slice(directory.length + 1)}`)
    .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  return sha256(files.map((path) => `${sha256(readFileSync(join(directory, path)))}  ${path}\n`).join(""));
}
