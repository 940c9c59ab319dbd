import { constants } from "node:fs";
import {
  chmod,
  mkdir,
  open,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  stat,
  writeFile,
} from "node:fs/promises";
import { homedir } from "node:os";
import { basename, delimiter, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Refusal } from "../refusal.ts";

/** How many earlier versions of a file are kept beside it. */
const backupsKept = 5;

/** The file that kubectl would write to: the first of `KUBECONFIG`, else `~/.kube/config`. */
export function defaultFile(env: NodeJS.ProcessEnv = process.env): string {
  const first = (env.KUBECONFIG ?? "").split(delimiter).find((part) => part !== "");
  return first ?? join(homedir(), ".kube", "config");
}

/** What became of a file. */
export interface Changed {
  /** The file that was written: the target of a symbolic link. */
  readonly file: string;
  readonly changed: boolean;
  /** Where the earlier version is; undefined when there was none, or nothing was changed. */
  readonly backup: string | undefined;
}

/**
 * Gives a file another text: at once or not at all, readable by its owner only, with the earlier version kept beside it.
 * kubectl's own lock is held meanwhile, and a symbolic link stays one.
 * @param change gets the file's text, empty for none
 * @param patienceMs how long to wait for somebody else's lock
 * @throws Refusal when the file is locked or read-only, and whatever `change` throws; then nothing was written
 */
export async function changeFile(
  path: string,
  change: (text: string) => string,
  patienceMs = 10_000,
): Promise<Changed> {
  const file = await target(path);
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const unlock = await lock(`${file}.lock`, patienceMs);
  try {
    const before = await readText(file);
    const after = change(before ?? "");
    if (before === after) return { file, changed: false, backup: undefined };
    const backup = before === undefined ? undefined : await keep(file, before);
    await replace(file, after);
    return { file, changed: true, backup };
  } finally {
    await unlock();
  }
}

/** Where a path leads; a file that is not there yet is itself. */
async function target(path: string): Promise<string> {
  return realpath(path).catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
    return join(await realpath(dirname(path)).catch(() => dirname(path)), basename(path));
  });
}

/** As kubectl does it: a file of this name that only one can make. */
async function lock(name: string, patienceMs: number): Promise<() => Promise<void>> {
  const until = Date.now() + patienceMs;
  for (;;) {
    try {
      const handle = await open(name, constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY, 0o600);
      await handle.close();
      return () => rm(name, { force: true });
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "EACCES" || code === "EROFS")
        throw new Refusal(`${dirname(name)} cannot be written to (${code}). Give --file another one`);
      if (code !== "EEXIST") throw error;
      if (Date.now() >= until)
        throw new Refusal(
          `${name} has been there for ${patienceMs / 1000} s: another tool is writing the file, or died at it. ` +
            "When no kubectl runs, remove it",
        );
    }
    await sleep(100);
  }
}

async function readText(file: string): Promise<string | undefined> {
  const found = await stat(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (found === undefined) return undefined;
  if (!found.isFile()) throw new Refusal(`${file} is not a file`);
  if ((found.mode & 0o200) === 0)
    throw new Refusal(
      `${file} is read-only, so somebody wants it as it is. chmod u+w it, or give --file another one`,
    );
  return readFile(file, "utf8");
}

async function keep(file: string, text: string): Promise<string> {
  const prefix = `${basename(file)}.backup-`;
  const backup = join(
    dirname(file),
    `${prefix}${new Date().toISOString().replace(/[-:]/g, "").slice(0, 19)}Z`,
  );
  await writeFile(backup, text, { mode: 0o600 });
  const all = (await readdir(dirname(file))).filter((name) => name.startsWith(prefix)).sort();
  for (const old of all.slice(0, -backupsKept)) await rm(join(dirname(file), old));
  return backup;
}

async function replace(file: string, text: string): Promise<void> {
  const part = `${file}.${process.pid}.part`;
  try {
    const handle = await open(part, "w", 0o600);
    await handle.writeFile(text);
    await handle.sync();
    await handle.close();
    await chmod(part, 0o600);
    await rename(part, file);
  } finally {
    await rm(part, { force: true });
  }
}
