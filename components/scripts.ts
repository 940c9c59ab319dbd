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

/**
 * All of node/ as one script, for a node that need not have it: the entry's own settings, every file, and the verb that
 * its arguments name. What it runs is what this checkout holds, whatever an earlier run has copied there.
 */
export function scriptsBundle(directory: string = scriptsDirectory): string {
  const files = ["lib", "verbs"].flatMap((part) =>
    readdirSync(join(directory, part))
      .sort()
      .map((file) => join(directory, part, file)),
  );
  const entry = readFileSync(join(directory, "k3s-node"), "utf8");
  const settings = entry.split("\n").filter((line) => /^(?:set|umask|export) /.test(line));
  return [...settings, ...files.map((file) => readFileSync(file, "utf8")), 'run_verb "$@"; exit $?\n'].join(
    "\n",
  );
}
