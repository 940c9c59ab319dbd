import { createHash } from "node:crypto";
import { access, mkdir, readdir, readFile } from "node:fs/promises";
import { arch } from "node:os";
import { join, relative } from "node:path";
import { cacheDir } from "../paths.ts";
import { command } from "./command.ts";
import { listLabs } from "./state.ts";

const HERE = import.meta.dirname;

/**
 * Beyond Debian's minbase: what k3s, a kubelet and the program's own steps need on a node, and what the program would
 * install on one that reaches its distribution.
 */
const PACKAGES = (
  "systemd systemd-sysv dbus openssh-server iproute2 iputils-ping procps ca-certificates curl kmod iptables ipset " +
  "conntrack socat ethtool arping nftables mount util-linux sudo " +
  "haproxy keepalived"
).split(" ");

export interface RootfsOptions {
  /** What is being done, for people. Not called at all when the cache has it. */
  onProgress?: (message: string) => void;
}

/**
 * The directory of the root file system that machines share, read-only. Made by mmdebstrap when the cache has none of this
 * recipe (half a minute), which may be interrupted at any time and is done once however many labs ask for it.
 * @throws when it cannot be made, with the end of the output
 */
export async function ensureRootfs({ onProgress = () => {} }: RootfsOptions = {}): Promise<string> {
  const target = join(cacheDir(), `rootfs-${await recipeHash()}`);
  if (await exists(target)) return target;
  await mkdir(cacheDir(), { recursive: true });
  const waiting = setTimeout(onProgress, 1000, "waiting for another lab that makes the root file system");
  // The lock belongs to the build, not to us: when we are killed, it goes on alone or ends, and is not disturbed meanwhile.
  const build = [join(HERE, "rootfs.sh"), target, await debianMirror(), PACKAGES.join(",")];
  try {
    await command("flock", ["--exclusive", join(cacheDir(), "rootfs.lock"), ...build], {
      onLine: (line) => {
        clearTimeout(waiting);
        const step = stepOf(line);
        if (step !== undefined) onProgress(`root file system: ${step}`);
      },
    });
  } finally {
    clearTimeout(waiting);
  }
  await prune(target);
  return target;
}

/** Of the output of rootfs.sh and mmdebstrap, the lines for people: those that say what is being done now. */
export function stepOf(line: string): string | undefined {
  return /^I: (.*(?:ing|asking) .*)$/.exec(line)?.[1];
}

/** Removes finished root file systems of other recipes that no lab stands on. */
async function prune(kept: string): Promise<void> {
  const used = [kept, ...(await listLabs()).map((lab) => lab.rootfs)];
  for (const name of await readdir(cacheDir())) {
    const path = join(cacheDir(), name);
    if (!/^rootfs-[0-9a-f]+$/.test(name) || used.includes(path)) continue;
    await command("rm", ["--recursive", "--force", "--one-file-system", path]);
  }
}

/** Changes with everything that decides what is in the root file system, but for Debian's own updates. */
async function recipeHash(): Promise<string> {
  const hash = createHash("sha256").update(`${arch()}\n${PACKAGES.join()}\n`);
  const entries = await readdir(join(HERE, "rootfs"), { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  for (const file of [join(HERE, "rootfs.sh"), ...files.sort()]) {
    hash.update(`${relative(HERE, file)}\n`).update(await readFile(file));
  }
  return hash.digest("hex").slice(0, 16);
}

/** Where this host gets Debian 12 from, as apt itself understands its sources; empty where they do not name it. */
async function debianMirror(): Promise<string> {
  const format = "$(CODENAME) $(COMPONENT) $(REPO_URI)";
  const targets = await command("apt-get", ["indextargets", "--format", format, "Created-By: Packages"], {
    allowFailure: true,
  }).catch(() => undefined);
  return mirrorFrom(targets?.stdout ?? "");
}

/** @param targets lines `CODENAME COMPONENT URI` */
export function mirrorFrom(targets: string): string {
  const uri = /^bookworm main ((?:https?|file):\S+)$/m.exec(targets)?.[1];
  return uri?.replace(/\/$/, "") ?? "";
}

export function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
