/** The thread of the writer: what the main thread does must not look like a pause of the API. */
import { setTimeout as sleep } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";
import { api } from "./kube.ts";
import { working } from "./thread.ts";
import { configMapsOf, type WriterTarget, writerLabel } from "./writer.ts";

/** What the thread hands over. */
export type Written = { acknowledged: string[]; longestPauseMs: number };

const { access, name, namespace } = workerData as Required<WriterTarget>;

/** A write without an answer by then counts as not acknowledged. */
const timeoutMs = 2_000;
/** Between two writes: enough of them to hit any moment, few enough to leave the cores to the cluster. */
const restMs = 50;

const acknowledged: string[] = [];
let longestPauseMs = 0;
let last = performance.now();
let ended = false;

function notePause(): void {
  const now = performance.now();
  longestPauseMs = Math.max(longestPauseMs, Math.round(now - last));
  last = now;
}

async function write(own: string): Promise<void> {
  const metadata = { name: own, labels: { [writerLabel]: name } };
  const body = { apiVersion: "v1", kind: "ConfigMap", metadata, data: { content: own } };
  try {
    await api(access, "POST", configMapsOf(namespace), body, timeoutMs);
  } catch {
    return; // a pause, which the next acknowledged write ends
  }
  acknowledged.push(own);
  notePause();
}

parentPort!.once("message", () => {
  ended = true;
});
for (let number = 1; !ended; number++) {
  await write(`${name}-${number}`);
  if (number === 1) parentPort!.postMessage(working);
  await sleep(restMs);
}
notePause();
parentPort!.postMessage({ acknowledged, longestPauseMs } satisfies Written);
