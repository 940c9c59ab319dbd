import { mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { LAB_ROOT, labDir } from "../paths.ts";

/** What is on disk about a lab (`lab.json`). Everything else the lab made has a name that follows from `index`. */
export interface LabRecord {
  instance: string;
  /** 0 to 199; unique among the labs of this host, from the first `open` to `down`. */
  index: number;
  createdAt: string;
  /** The root file system all machines of this lab share; set when the first machine starts, and never changed under them. */
  rootfs?: string;
  /** The k3s that its machines were prepared for. */
  k3s?: LabK3s;
  /** Its removal has begun: nothing is to be started in it any more, and what is left goes when it is opened again. */
  removing?: boolean;
}

/** A k3s on this host: its binary, and archives of container images. */
export interface LabK3s {
  standin: boolean;
  version: string;
  path: string;
  archives: readonly string[];
}

/** What is on disk about a machine (`machines/NAME/machine.json`). */
export interface MachineRecord {
  name: string;
  address: string;
  /** The public key in one line, without comment: `ssh-ed25519 AAAA...`. */
  hostKey: string;
  /** 32 hexadecimal digits, as in /etc/machine-id. */
  machineId: string;
}

/** Writes JSON so that a reader, and we after a crash, see the old content or the new, never half. */
export async function writeJson(file: string, value: unknown): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const temporary = `${file}.${process.pid}`;
  await writeFile(temporary, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 });
  await rename(temporary, file);
}

/** @returns undefined when there is no such file. @throws on anything that is not JSON, naming the file. */
export async function readJson<T>(file: string): Promise<T | undefined> {
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as T;
  } catch (error) {
    throw new Error(`${file}: not JSON (${(error as Error).message}), and not as the lab wrote it`);
  }
}

export const labFile = (instance: string): string => join(labDir(instance), "lab.json");
export const machinesDir = (instance: string): string => join(labDir(instance), "machines");

/** The labs of this host, whether their machines are up or not, ordered by index. */
export async function listLabs(): Promise<LabRecord[]> {
  const records = await Promise.all(
    (await subdirectories(LAB_ROOT)).map((name) => readJson<LabRecord>(join(LAB_ROOT, name, "lab.json"))),
  );
  return records.filter((record) => record !== undefined).sort((a, b) => a.index - b.index);
}

/** Names of the directories below `directory`; none when it does not exist. Hidden ones are not ours. */
export async function subdirectories(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith("."))
    .map((entry) => entry.name);
}
