import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { command } from "../../lab/machines/command.ts";
import type { Lab } from "../../lab/machines/lab.ts";
import { pulumiDirectory } from "../../lab/paths.ts";

/** What of a machine and of Pulumi makes a difference to the next run. */
const machineParts = ["upper", "data"];
const pulumiParts = ["state", "work"];

function parts(names: readonly string[]): string[] {
  const machines = names.flatMap((name) => machineParts.map((part) => join("machines", name, part)));
  return [...machines, ...pulumiParts.map((part) => join(pulumiDirectory, part))];
}

async function copy(from: string, to: string, relative: readonly string[]): Promise<void> {
  for (const part of relative) {
    await command("rm", ["--recursive", "--force", "--one-file-system", join(to, part)]);
    await mkdir(join(to, part, ".."), { recursive: true });
    await command("cp", ["--archive", "--reflink=auto", join(from, part), join(to, part)]);
  }
}

/** Keeps the disks of all machines, which must be off, and Pulumi's state. */
export async function keep(lab: Lab): Promise<() => Promise<void>> {
  const names = (await lab.machines()).map((machine) => machine.name);
  const to = join(lab.directory, "checkpoint");
  await rm(to, { recursive: true, force: true });
  await copy(lab.directory, to, parts(names));
  return async () => {
    for (const machine of await lab.machines()) await machine.powerOff();
    await copy(to, lab.directory, parts(names));
  };
}
