import type { Access } from "./kube.ts";
import type { Sample } from "./outage.ts";
import { countPods, type PodCount } from "./pods.ts";
import { startProber } from "./prober.ts";
import { type Outcome, startWriter } from "./writer.ts";

/** How clients are played. */
export interface Clients {
  /** The namespace that is read, and written to. */
  readonly namespace: string;
  /** What the writer's objects are called. */
  readonly name: string;
  /** Between two requests of one client, milliseconds. */
  readonly intervalMs: number;
  /** A request without an answer by then has failed, milliseconds. */
  readonly timeoutMs: number;
  /** Whether pods are counted, too. */
  readonly pods: boolean;
}

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
 * agree on: an API server that answers from its memory alone would not count. Resolves once all of them work.
 */
export async function watch(
  access: Access,
  { namespace, name, intervalMs, timeoutMs, pods }: Clients,
): Promise<{ stop(): Promise<Watched> }> {
  const { ca, cert, key } = access;
  const url = new URL(`/api/v1/namespaces/${namespace}`, access.server).href;
  const target = { url, intervalMs, timeoutMs, ca, cert, key };
  const [fresh, kept, writer] = await Promise.all([
    startProber(target),
    startProber({ ...target, connection: "kept" }),
    startWriter({ access, name, namespace }),
  ]);
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
