import { glob, readFile, rm } from "node:fs/promises";
import { join } from "node:path";

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

/** A killed process whose parent has not asked for its end yet is a zombie (Z): it holds nothing any more. */
async function isAlive(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, "latin1").catch(() => undefined);
  return stat !== undefined && !/^\d+ \(.*\) [ZX] /s.test(stat);
}
