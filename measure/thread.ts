import { Worker } from "node:worker_threads";

/** Work in a thread of its own, so that it does not wait for what the main thread does. */
export type Thread<Result> = {
  /** Asks it to end and gives what it has found. @throws what it died of. */
  stop(): Promise<Result>;
};

/** A thread's first message: it does its work. On a busy machine that may be seconds after its start. */
export const working = "working";

/**
 * Starts a thread that says `working` once it does its work, answers any message with one result and is then ended.
 * Resolves when it works: what happens afterwards is seen by it.
 * @throws what it died of
 */
export async function startThread<Result>(script: URL, workerData: unknown): Promise<Thread<Result>> {
  const worker = new Worker(script, { workerData });
  const died = new Promise<never>((_, reject) => worker.once("error", reject));
  died.catch(() => {}); // reported by whoever waits
  const message = <T>() => new Promise<T>((resolve) => worker.once("message", resolve));
  await Promise.race([message<typeof working>(), died]);
  return {
    async stop() {
      const result = message<Result>();
      worker.postMessage("stop");
      try {
        return await Promise.race([result, died]);
      } finally {
        await worker.terminate();
      }
    },
  };
}
