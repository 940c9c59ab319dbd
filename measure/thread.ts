import { Worker } from "node:worker_threads";

/** Work in a thread of its own, so that it does not wait for what the main thread does. */
export type Thread<Result> = {
  /** Asks it to end and gives what it has found. @throws what it died of. */
  stop(): Promise<Result>;
};

/** Starts a thread that answers any message with one result and is then ended. */
export function startThread<Result>(script: URL, workerData: unknown): Thread<Result> {
  const worker = new Worker(script, { workerData });
  const died = new Promise<never>((_, reject) => worker.once("error", reject));
  died.catch(() => {}); // reported by stop
  return {
    async stop() {
      const result = new Promise<Result>((resolve) => worker.once("message", resolve));
      worker.postMessage("stop");
      try {
        return await Promise.race([result, died]);
      } finally {
        await worker.terminate();
      }
    },
  };
}
