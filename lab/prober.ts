import { Worker } from "node:worker_threads";
import type { Sample } from "./outage.ts";

/** What is asked, how often, and with which certificates (PEM). */
export type Target = {
  url: string;
  intervalMs: number;
  timeoutMs: number;
  ca: string;
  cert?: string;
  key?: string;
};

/** A prober that runs in a thread of its own until it is stopped. */
export type Prober = { stop(): Promise<Sample[]> };

/** Begins to ask: a request over a new connection at every interval, whether or not the one before has been answered. */
export function startProber(target: Target): Prober {
  const worker = new Worker(new URL("./prober-worker.ts", import.meta.url), { workerData: target });
  const died = new Promise<never>((_, reject) => worker.once("error", reject));
  died.catch(() => {}); // reported by stop
  return {
    async stop() {
      const samples = new Promise<Sample[]>((resolve) => worker.once("message", resolve));
      worker.postMessage("stop");
      try {
        return await Promise.race([samples, died]);
      } finally {
        await worker.terminate();
      }
    },
  };
}
