import { spawn } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { scriptsDirectory } from "../../components/scripts.ts";

/** How a shell ended. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const roots = mkdtempSync(join(tmpdir(), "k3s-node-"));
process.on("exit", () => rmSync(roots, { recursive: true, force: true }));

/** A directory that stands for a node's root, so that no test touches this machine; gone when the tests end. */
export const emptyRoot = (): string => mkdtempSync(join(roots, "root-"));

/** Writes a file below a root, with its directories, and gives its path. */
export function put(root: string, path: string, content: string | Buffer, mode = 0o600): string {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
  chmodSync(file, mode);
  return file;
}

/** A root with these files, by their path below it. */
export function rootWith(files: Readonly<Record<string, string | Buffer>>): string {
  const root = emptyRoot();
  for (const [path, content] of Object.entries(files)) put(root, path, content);
  return root;
}

function run(args: readonly string[], root: string, stdin: string): Promise<Ended> {
  return new Promise((resolve, reject) => {
    // bash takes Node's pipes for a remote login, and would read the user's own start-up file
    const child = spawn("bash", ["--norc", ...args], {
      env: { PATH: process.env.PATH, K3S_NODE_ROOT: root },
      cwd: root,
    });
    const out = { stdout: "", stderr: "" };
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => (out.stdout += chunk));
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => (out.stderr += chunk));
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, ...out }));
    child.stdin.on("error", () => {}); // it may end without reading
    child.stdin.end(stdin);
  });
}

/** Runs a verb as a node would, below `root`. */
export const verb = (root: string, args: readonly string[], stdin = ""): Promise<Ended> =>
  run([join(scriptsDirectory, "k3s-node"), ...args], root, stdin);

/** Runs `body` with all functions of the scripts at hand; its arguments are `$1`, `$2`, ... */
export const functions = (
  body: string,
  args: readonly string[] = [],
  root = emptyRoot(),
  stdin = "",
): Promise<Ended> => {
  const source = `set -uo pipefail; for file in ${scriptsDirectory}/lib/*.sh ${scriptsDirectory}/verbs/*.sh; do source "$file"; done`;
  return run(["-c", `${source}\n${body}`, "test", ...args], root, stdin);
};

/** Calls one function for every row of arguments, in one shell, and gives what it left in REPLY. */
export async function replies(
  name: string,
  rows: readonly (readonly (string | number)[])[],
): Promise<string[]> {
  const width = rows[0]?.length ?? 0;
  const body = `while (($#)); do REPLY=""; ${name} "\${@:1:${width}}"; printf '%s\\0' "$REPLY"; shift ${width}; done`;
  const { stdout } = await functions(body, rows.flat().map(String));
  return stdout.split("\0").slice(0, -1);
}
