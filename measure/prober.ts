import type { Sample } from "./outage.ts";
import { startThread, type Thread } from "./thread.ts";

/** What is asked, how often, and with which certificates (PEM). */
export type Target = {
  url: string;
  intervalMs: number;
  timeoutMs: number;
  ca: string;
  cert?: string;
  key?: string;
  /** A new connection for every request, or one that is kept as client-go keeps it. Default: new ones. */
  connection?: "new" | "kept";
};

/** A prober that runs in a thread of its own until it is stopped. */
export type Prober = Thread<Sample[]>;

/**
 * Begins to ask: a request at every interval, whether or not the one before has been answered. Resolves once the first
 * one has ended.
 */
export function startProber(target: Target): Promise<Prober> {
  return startThread(new URL("./prober-worker.ts", import.meta.url), target);
}
