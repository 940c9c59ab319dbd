import { readdirSync, readFileSync } from "node:fs";
import { mkdir, readdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * Every machine has a control group of its own in every hierarchy of the host, below the lab's (`k3slab0/server-1`).
 * It is also the lab's record of which processes belong to a machine: the kernel keeps it, so it is right after a crash of
 * ours, empty after a reboot of the host, and never names a process that merely got a recycled id.
 */
export interface Hierarchy {
  mountpoint: string;
  version: 1 | 2;
  cpuset: boolean;
}

/** The host's hierarchies, from the text of /proc/self/mounts. */
export function parseHierarchies(mounts: string): Hierarchy[] {
  return mounts.split("\n").flatMap((line): Hierarchy[] => {
    const [, mountpoint = "", type, options = ""] = line.split(" ");
    if (type === "cgroup2") return [{ mountpoint, version: 2, cpuset: false }];
    if (type === "cgroup") return [{ mountpoint, version: 1, cpuset: options.split(",").includes("cpuset") }];
    return [];
  });
}

let known: readonly Hierarchy[] | undefined;

/** The host's, as they are mounted. */
export function hierarchies(): readonly Hierarchy[] {
  known ??= parseHierarchies(readFileSync("/proc/self/mounts", "utf8"));
  if (known.length === 0) throw new Error("lab: this host has no control groups mounted (/sys/fs/cgroup)");
  return known;
}

/** The hierarchy that processes are looked up in: of version 2 where there is one, as `cgroup.kill` is there. */
function primary(): Hierarchy {
  return hierarchies().find((one) => one.version === 2) ?? hierarchies()[0]!;
}

/** The group's directory in every hierarchy. */
export function cgroupDirectories(group: string): string[] {
  return hierarchies().map(({ mountpoint }) => join(mountpoint, group));
}

/** Makes the group, and those above it, in every hierarchy. */
export async function makeCgroups(group: string): Promise<void> {
  const pure = hierarchies().every((one) => one.version === 2);
  for (const { mountpoint, cpuset } of hierarchies()) {
    let directory = mountpoint;
    for (const part of group.split("/")) {
      // On a hybrid host the controllers are elsewhere, and the root of this tree is not ours to change.
      if (pure) await enableControllers(directory);
      const child = join(directory, part);
      await mkdir(child, { recursive: true });
      // A new cpuset is empty, and nothing may join an empty one.
      if (cpuset) {
        for (const file of ["cpuset.cpus", "cpuset.mems"]) {
          await writeFile(join(child, file), await readFile(join(directory, file)));
        }
      }
      directory = child;
    }
  }
}

async function enableControllers(directory: string): Promise<void> {
  const available = (await readFile(join(directory, "cgroup.controllers"), "utf8"))
    .split(/\s+/)
    .filter(Boolean);
  for (const name of available)
    await writeFile(join(directory, "cgroup.subtree_control"), `+${name}`).catch(() => {});
}

/** The processes of the group and of all below it; none when the group does not exist. */
export function cgroupPids(group: string): number[] {
  return pidsBelow(join(primary().mountpoint, group));
}

function pidsBelow(directory: string): number[] {
  try {
    const own = readFileSync(join(directory, "cgroup.procs"), "utf8").split("\n").filter(Boolean).map(Number);
    const children = readdirSync(directory, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    return [...own, ...children.flatMap((entry) => pidsBelow(join(directory, entry.name)))];
  } catch {
    return []; // gone while we looked
  }
}

/**
 * Kills everything in the group at once and returns when it is dead.
 * @throws when something is still alive after 10 s (a process the kernel cannot end, stuck in I/O)
 */
export async function killCgroup(group: string): Promise<void> {
  const { mountpoint, version } = primary();
  const deadline = Date.now() + 10_000;
  for (let pids = cgroupPids(group); pids.length > 0; pids = cgroupPids(group)) {
    if (Date.now() > deadline) {
      throw new Error(
        `lab: processes ${pids.join(", ")} of ${group} are alive 10 s after SIGKILL; see \`ps\` for what they wait`,
      );
    }
    if (version === 2) await writeFile(join(mountpoint, group, "cgroup.kill"), "1").catch(() => {});
    for (const pid of pids) kill(pid);
    await sleep(2);
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // it ended by itself
  }
}

/** Removes the group, and all below it, from every hierarchy. Its processes must be dead. */
export async function removeCgroups(group: string): Promise<void> {
  for (const directory of cgroupDirectories(group)) await removeTree(directory);
}

/** Milliseconds that the kernel is given to take apart what has been killed. */
const takenApartMs = 30_000;

async function removeTree(directory: string): Promise<void> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => undefined);
  if (entries === undefined) return;
  for (const entry of entries) if (entry.isDirectory()) await removeTree(join(directory, entry.name));
  // The kernel needs a moment after the last process ended; seconds, when it takes an API server apart on a busy host.
  for (const deadline = Date.now() + takenApartMs; ; await sleep(20)) {
    try {
      return await rmdir(directory);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
      if (Date.now() > deadline) throw error;
    }
  }
}

/**
 * Memory the group cannot give back, in bytes: what a kubelet calls the working set. 0 when it is not known.
 * Figures of both versions: usage without the inactive page cache.
 */
export async function cgroupMemory(group: string): Promise<number> {
  for (const { mountpoint, version } of hierarchies()) {
    const directory = join(mountpoint, group);
    const [usageFile, inactive] =
      version === 2 ? ["memory.current", "inactive_file"] : ["memory.usage_in_bytes", "total_inactive_file"];
    const usage = await readFile(join(directory, usageFile), "utf8").catch(() => undefined);
    const stat = await readFile(join(directory, "memory.stat"), "utf8").catch(() => undefined);
    if (usage === undefined || stat === undefined) continue;
    const cache = new RegExp(`^${inactive} (\\d+)$`, "m").exec(stat)?.[1] ?? "0";
    return Math.max(0, Number(usage) - Number(cache));
  }
  return 0;
}
