import { access, constants, readFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { command, commandPath } from "./command.ts";

/** Commands, and the Debian package each comes from. */
export type Needed = Readonly<Record<string, string>>;

/**
 * Makes sure that this host has these commands; what is missing is installed with apt-get.
 * @throws with what to do when it cannot be installed
 */
export async function ensureCommands(needed: Needed, onProgress: (message: string) => void): Promise<void> {
  const missing = await missingOf(needed);
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map((name) => needed[name]!))];
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
  const still = await missingOf(needed);
  if (still.length > 0) {
    throw new Error(`lab: ${still.join(", ")} still not found after installing ${packages.join(", ")}`);
  }
}

async function missingOf(needed: Needed): Promise<string[]> {
  const there = await Promise.all(Object.keys(needed).map(found));
  return Object.keys(needed).filter((_, index) => !there[index]);
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
