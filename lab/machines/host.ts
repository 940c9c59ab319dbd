import { ensureCommands } from "./packages.ts";

/** The commands of the host that the lab runs, and the Debian package each comes from. */
const NEEDED: Readonly<Record<string, string>> = {
  "systemd-nspawn": "systemd-container",
  mmdebstrap: "mmdebstrap",
  ip: "iproute2",
  flock: "util-linux",
  mount: "mount",
  "ssh-agent": "openssh-client",
};

/**
 * Makes sure that this host can run machines: Linux, root, and the commands of {@link NEEDED}, installed with apt-get when missing.
 * @throws with what to do when it cannot.
 */
export async function prepareHost(onProgress: (message: string) => void): Promise<void> {
  requireRoot();
  await ensureCommands(NEEDED, onProgress);
}

/** @throws anywhere but as root on Linux */
export function requireRoot(): void {
  if (process.platform !== "linux") {
    throw new Error(`lab: found ${process.platform}, want Linux: the machines are containers of its kernel`);
  }
  if (process.getuid?.() !== 0) {
    throw new Error(
      `lab: found user id ${process.getuid?.()}, want root (machines need mounts, links and cgroups). Run it again with sudo`,
    );
  }
}
