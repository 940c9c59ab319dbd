import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { open, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { cgroupDirectories, cgroupPids, makeCgroups } from "./cgroup.ts";
import { commandPath } from "./command.ts";

/** What systemd-nspawn is told about one machine. */
export interface NspawnSpec {
  /** The machine's name for the host's tools, unique on the host: `k3slab0-server-1`. */
  unit: string;
  hostname: string;
  /** The mounted root. */
  root: string;
  bridge: string;
  /** Directories of the host's own disk: path in the machine to path on the host. */
  binds: Readonly<Record<string, string>>;
}

/** The host's end of a machine's link, as nspawn names it. Over 15 characters it is the link's alternative name. */
export const linkOf = (unit: string): string => `vb-${unit}`;

/** Devices a kubelet and containerd ask for; those the host lacks are left out. */
const DEVICES = ["/dev/kmsg", "/dev/fuse", "/dev/net/tun"];

/** The command line of a machine that is as free as a real one: k3s needs every capability, and writable /sys and /proc/sys. */
export function nspawnArgs(spec: NspawnSpec, devices: readonly string[]): string[] {
  return [
    `--directory=${spec.root}`,
    `--machine=${spec.unit}`,
    `--hostname=${spec.hostname}`,
    "--boot",
    "--quiet",
    "--register=no",
    "--keep-unit",
    `--network-bridge=${spec.bridge}`,
    "--capability=all",
    "--system-call-filter=@known",
    ...devices.map((device) => `--bind=${device}`),
    ...Object.entries(spec.binds).map(([inside, outside]) => `--bind=${outside}:${inside}`),
    "--resolv-conf=off",
    "--timezone=off",
    "--link-journal=no",
    "--notify-ready=yes",
    "--console=pipe",
  ];
}

/**
 * Starts a machine that outlives this process: a session of its own, its console appended to `consoleLog`.
 * Returns as soon as its process 1 runs.
 * @throws when nspawn ends before that, with the end of the console
 */
export async function startNspawn(spec: NspawnSpec, group: string, consoleLog: string): Promise<void> {
  await makeCgroups(`${group}/boot`);
  await makeCgroups(`${group}/machine`);
  const directories = cgroupDirectories(group);
  const log = await open(consoleLog, "a");
  const args = [
    ...directories,
    "--",
    "systemd-nspawn",
    ...nspawnArgs(
      spec,
      DEVICES.filter((path) => existsSync(path)),
    ),
  ];
  const child = spawn(join(import.meta.dirname, "boot.sh"), args, {
    detached: true,
    stdio: ["ignore", log.fd, log.fd],
    env: { PATH: commandPath, SYSTEMD_NSPAWN_API_VFS_WRITABLE: "yes", SYSTEMD_NSPAWN_LOCK: "0" },
  });
  let ended: string | undefined;
  child.once("error", (error) => {
    ended = error.message;
  });
  child.once("exit", (code, signal) => {
    ended = `ended with ${signal ?? `code ${code}`}`;
  });
  child.unref();
  await log.close();
  const deadline = Date.now() + 10_000;
  while (leaderOf(group) === undefined) {
    if (ended === undefined && Date.now() < deadline) {
      await sleep(5);
      continue;
    }
    const tail = (await readFile(consoleLog, "utf8")).trim().split("\n").slice(-10).join("\n");
    throw new Error(
      `${spec.unit}: systemd-nspawn ${ended ?? "did not start process 1 within 10 s"}. ${consoleLog}:\n${tail}`,
    );
  }
  child.removeAllListeners();
}

/** The process of the host that is process 1 of the machine: the one that is 1 in the first pid namespace below ours. */
export function leaderOf(group: string): number | undefined {
  return cgroupPids(group).find((pid) => {
    try {
      return /^NSpid:\t\d+\t1$/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
    } catch {
      return false; // ended while we looked
    }
  });
}
