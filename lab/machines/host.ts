import { access, constants, readFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { command, commandPath } from "./command.ts";

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
  const missing = await missingCommands();
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map((name) => NEEDED[name]!))];
  if (!(await found("apt-get"))) {
    throw new Error(
      `lab: ${missing.join(", ")} not found on ${await osName()}, and there is no apt-get to install ${packages.join(", ")} with. ` +
        "Install the packages that hold these commands and run it again (Debian 12 is what this was tried on)",
    );
  }
  onProgress(`installing ${packages.join(", ")} on this host`);
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  const install = ["install", "--yes", "--no-install-recommends", ...packages];
  const first = await command("apt-get", install, { env, allowFailure: true });
  if (first.code !== 0) {
    // most often the package lists are missing or too old
    await command("apt-get", ["update"], { env });
    await command("apt-get", install, { env });
  }
  const still = await missingCommands();
  if (still.length > 0) {
    throw new Error(`lab: ${still.join(", ")} still not found after installing ${packages.join(", ")}`);
  }
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

async function missingCommands(): Promise<string[]> {
  const there = await Promise.all(Object.keys(NEEDED).map(found));
  return Object.keys(NEEDED).filter((_, index) => !there[index]);
}

async function found(name: string): Promise<boolean> {
  const candidates = commandPath.split(delimiter).map((directory) => join(directory, name));
  return await Promise.any(candidates.map((file) => access(file, constants.X_OK))).then(
    () => true,
    () => false,
  );
}

async function osName(): Promise<string> {
  const release = await readFile("/etc/os-release", "utf8").catch(() => "");
  return /^PRETTY_NAME="?([^"\n]*)/m.exec(release)?.[1] ?? "this Linux";
}
