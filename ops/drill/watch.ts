import type { Access } from "../../measure/kube.ts";
import type { Sample } from "../../measure/outage.ts";
import { countPods, type PodCount } from "../../measure/pods.ts";
import { startProber } from "../../measure/prober.ts";
import { type Outcome, startWriter } from "../../measure/writer.ts";

/** How clients are played. */
export const clients = {
  /** Between two requests of one client, milliseconds: 20 Hz, so that short outages show. */
  intervalMs: 50,
  /** A request without an answer by then has failed, milliseconds. */
  timeoutMs: 1_000,
} as const;

/** What the clients saw. */
export interface Watched {
  readonly fresh: readonly Sample[];
  readonly kept: readonly Sample[];
  readonly writes: Outcome;
  readonly pods: readonly PodCount[];
}

/**
 * Plays the clients of the endpoint until it is stopped: one that makes a new connection for every request, one that keeps
 * its connection as kubectl and controllers do, one that writes. What is read is one object that etcd's majority has to
 * agree on: an API server that answers from its memory alone would not count.
 */
export function watch(access: Access, namespace: string, pods: boolean): { stop(): Promise<Watched> } {
  const { ca, cert, key } = access;
  const url = new URL(`/api/v1/namespaces/${namespace}`, access.server).href;
  const target = { url, ...clients, ca, cert, key };
  const fresh = startProber(target);
  const kept = startProber({ ...target, connection: "kept" });
  const writer = startWriter({ access, name: "drill", namespace });
  const counter = pods ? countPods(access) : undefined;
  return {
    async stop() {
      const [freshSamples, keptSamples, writes, counts] = await Promise.all([
        fresh.stop(),
        kept.stop(),
        writer.stop(),
        counter?.stop() ?? [],
      ]);
      return { fresh: freshSamples, kept: keptSamples, writes, pods: counts };
    },
  };
}
