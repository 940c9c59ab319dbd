/** The thread of the prober: its timer must not wait for what the main thread does. */
import { request } from "node:https";
import { parentPort, workerData } from "node:worker_threads";
import type { Sample } from "./outage.ts";
import type { Target } from "./prober.ts";

const { url, intervalMs, timeoutMs, ca, cert, key } = workerData as Target;
const samples: Sample[] = [];
const pending = new Set<Promise<void>>();

/** One request over a connection of its own: a client that keeps its connection would measure TCP's patience instead. */
function probe(): Promise<void> {
  const at = performance.timeOrigin + performance.now();
  return new Promise((resolve) => {
    const done = (ok: boolean, error?: string) => {
      const ms = performance.timeOrigin + performance.now() - at;
      samples.push(error === undefined ? { at, ok, ms } : { at, ok, ms, error });
      resolve();
    };
    const req = request(
      url,
      { agent: false, ca, cert, key, signal: AbortSignal.timeout(timeoutMs) },
      (response) => {
        response.resume();
        const { statusCode } = response;
        response.once("end", () => (statusCode === 200 ? done(true) : done(false, `HTTP ${statusCode}`)));
        response.once("error", (error) => done(false, error.message));
      },
    );
    req.once("error", (error) => done(false, error.message));
    req.end();
  });
}

const timer = setInterval(() => {
  const one = probe();
  pending.add(one);
  void one.then(() => pending.delete(one));
}, intervalMs);

parentPort!.once("message", async () => {
  clearInterval(timer);
  await Promise.all(pending);
  parentPort!.postMessage(samples);
});
