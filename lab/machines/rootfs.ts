import { createHash } from "node:crypto";
import { access, mkdir, readdir, readFile, rename } from "node:fs/promises";
import { arch } from "node:os";
import { join, relative } from "node:path";
import { cacheDir } from "../paths.ts";
import { command } from "./command.ts";
import { withLock } from "./lock.ts";
import { listLabs } from "./state.ts";

const HERE = import.meta.dirname;

/** Beyond Debian's minbase: what k3s, a kubelet and the program's own steps need on a node. */
const PACKAGES = (
  "systemd systemd-sysv dbus openssh-server iproute2 iputils-ping procps ca-certificates curl kmod iptables ipset " +
  "conntrack socat ethtool arping nftables mount util-linux sudo"
).split(" ");

/** Debian's public mirror, for hosts whose own apt sources name none of Debian 12. */
const DEFAULT_MIRROR = "http://deb.debian.org/debian";

export interface RootfsOptions {
  /** What is being done, for people. Not called at all when the cache has it. */
  onProgress?: (message: string) => void;
}

/**
 * The directory of the root file system that machines share, read-only. Made by debootstrap when the cache has none of this
 * recipe (about a minute), which may be interrupted at any time and is done once however many labs ask for it.
 * @throws when debootstrap fails, with the end of its output
 */
export async function ensureRootfs({ onProgress = () => {} }: RootfsOptions = {}): Promise<string> {
  const target = join(cacheDir(), `rootfs-${await recipeHash()}`);
  if (await exists(target)) return target;
  await mkdir(cacheDir(), { recursive: true });
  const waiting = () => onProgress("waiting for another lab that is making the root file system");
  await withLock(join(cacheDir(), "rootfs.lock"), () => build(target, onProgress), waiting);
  return target;
}

async function build(target: string, onProgress: (message: string) => void): Promise<void> {
  if (await exists(target)) return; // made while we waited
  await removeStale();
  const temporary = `${target}.incomplete`;
  const mirror = await debianMirror();
  onProgress(`making the machines' root file system (Debian 12 from ${mirror}), once`);
  let last: string | undefined;
  await command(join(HERE, "rootfs.sh"), [temporary, mirror, PACKAGES.join(",")], {
    onLine: (line) => {
      const phase = phaseOf(line);
      if (phase === last || phase === undefined) return;
      last = phase;
      onProgress(`root file system: ${phase}`);
    },
  });
  await rename(temporary, target);
}

/** Of debootstrap's line for every package, the few phases that a person wants to see. */
export function phaseOf(line: string): string | undefined {
  const word = /^I: (\w+)/.exec(line)?.[1];
  const phases: Readonly<Record<string, string>> = {
    Resolving: "resolving packages",
    Retrieving: "downloading packages",
    Extracting: "unpacking the base",
    Unpacking: "unpacking packages",
    Configuring: "configuring packages",
    Shaping: "shaping the machine",
  };
  return word === undefined ? undefined : phases[word];
}

/** What an interrupted build left, and root file systems of older recipes that no lab stands on. */
async function removeStale(): Promise<void> {
  const used = (await listLabs()).map((lab) => lab.rootfs);
  for (const name of await readdir(cacheDir())) {
    const path = join(cacheDir(), name);
    if (!/^rootfs-[0-9a-f]+(\.incomplete)?$/.test(name) || used.includes(path)) continue;
    // An interrupted debootstrap may have left /proc mounted below it: --one-file-system leaves that alone.
    await command("umount", ["--recursive", "--lazy", "--quiet", join(path, "proc")], { allowFailure: true });
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

/** Where this host gets Debian 12 from, as apt itself understands its sources. */
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
  return uri?.replace(/\/$/, "") ?? DEFAULT_MIRROR;
}

export function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
