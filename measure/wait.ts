import { setTimeout as sleep } from "node:timers/promises";

/**
 * Asks again until something holds; once more at the deadline, so that the error says what was seen last.
 * @param check Resolves to a value when it holds; throws with what is still missing.
 * @throws Error with what was waited for and the last thing seen.
 */
export async function waitFor<T>(
  what: string,
  check: () => Promise<T>,
  { timeoutMs, everyMs = 250, signal }: { timeoutMs: number; everyMs?: number; signal?: AbortSignal },
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    signal?.throwIfAborted();
    try {
      return await check();
    } catch (error) {
      if (Date.now() >= deadline)
        throw new Error(`${what}: not within ${timeoutMs / 1000} s; last: ${(error as Error).message}`);
    }
    await sleep(Math.min(everyMs, Math.max(0, deadline - Date.now())));
  }
}
