import { spawn } from "node:child_process";

/**
 * Runs `work` while this process holds an exclusive flock(2) on `file`, which is created when missing (its directory is not).
 * The lock belongs to a child that ends when our end of its stdin closes, so it is given back even when we are killed.
 * Not re-entrant.
 * @param onWait called when somebody else holds the lock and we have to wait
 */
export async function withLock<T>(file: string, work: () => Promise<T>, onWait?: () => void): Promise<T> {
  // `cat` inherits the lock's descriptor: the lock lives as long as its stdin is open.
  const holder = spawn("flock", ["--exclusive", file, "sh", "-c", "echo held; exec cat >/dev/null"], {
    stdio: ["pipe", "pipe", "inherit"],
    detached: true, // an interrupt typed at the terminal must not drop the lock before the clean-up ran
  });
  const waiting = onWait && setTimeout(onWait, 500);
  try {
    await new Promise<void>((resolve, reject) => {
      holder.on("error", (error) => reject(new Error(`flock: cannot be started: ${error.message}`)));
      holder.on("exit", (code) =>
        reject(new Error(`flock on ${file}: ended with code ${code} before it was held`)),
      );
      holder.stdout.once("data", () => resolve());
    });
    clearTimeout(waiting);
    return await work();
  } finally {
    clearTimeout(waiting);
    const ended = new Promise((resolve) => holder.once("exit", resolve));
    holder.stdin.end();
    if (holder.exitCode === null && holder.pid !== undefined) await ended;
  }
}
