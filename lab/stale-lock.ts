import { glob, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { isAlive } from "./processes.ts";

/**
 * Removes the locks that killed runs left on the state in `directory`. A lock names its process: one that lives is
 * somebody who works, and Pulumi tells so.
 */
export async function removeStaleLocks(directory: string): Promise<void> {
  const locks = join(directory, ".pulumi", "locks");
  for await (const name of glob("**/*.json", { cwd: locks })) {
    const file = join(locks, name);
    const { pid } = JSON.parse(await readFile(file, "utf8")) as { pid?: number };
    if (pid !== undefined && !(await isAlive(pid))) await rm(file, { force: true });
  }
}
