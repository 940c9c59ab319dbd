/** The thread of the prober: its timer must not wait for what the main thread does. */
import { request } from "node:https";
import { parentPort, workerData } from "node:worker_threads";
import { KeptConnection } from "./kept-connection.ts";
import type { Sample } from "./outage.ts";
import type { Target } from "./prober.ts";
import { working } from "./thread.ts";

const target = workerData as Target;
const { url, intervalMs, timeoutMs, ca, cert, key } = target;
const kept = target.connection === "kept" ? new KeptConnection(target) : undefined;
const samples: Sample[] = [];
const pending = new Set<Promise<void>>();

async function probe(): Promise<void> {
  const at = performance.timeOrigin + performance.now();
  const took = () => performance.timeOrigin + performance.now() - at;
  try {
    await (kept ? kept.get() : overNewConnection());
    samples.push({ at, ok: true, ms: took() });
  } catch (error) {
    samples.push({ at, ok: false, ms: took(), error: (error as Error).message });
  }
}

/** One request over a connection of its own: what TCP does about a broken one stays out of the figures. */
function overNewConnection(): Promise<void> {
  return new Promise((resolve, reject) => {
    const options = { agent: false as const, ca, cert, key, signal: AbortSignal.timeout(timeoutMs) };
    const req = request(url, options, (response) => {
      response.resume();
      const { statusCode } = response;
      response.once("end", () => (statusCode === 200 ? resolve() : reject(new Error(`HTTP ${statusCode}`))));
      response.once("error", reject);
    });
    req.once("error", reject);
    req.end();
  });
}

let begun = false;

function ended(one: Promise<void>): void {
  pending.delete(one);
  if (!begun) parentPort!.postMessage(working);
  begun = true;
}

const timer = setInterval(() => {
  const one = probe();
  pending.add(one);
  void one.then(() => ended(one));
}, intervalMs);

parentPort!.once("message", async () => {
  clearInterval(timer);
  await Promise.all(pending);
  kept?.close();
  parentPort!.postMessage(samples);
});
