import { type Access, api } from "./kube.ts";
import { startThread } from "./thread.ts";
import { waitFor } from "./wait.ts";
import type { Written } from "./writer-worker.ts";

/** What a writer found at its end. */
export type Outcome = {
  /** How many writes the API acknowledged. */
  acknowledged: number;
  /** Names of acknowledged writes that are not there any more, or not as they were written. */
  lost: string[];
  /** The longest time between two acknowledged writes, from the start to the end. */
  longestPauseMs: number;
};

/** A writer that runs in a thread of its own until it is stopped. */
export type Writer = { stop(): Promise<Outcome> };

/** The label of a writer's ConfigMaps; its value is the writer's name. */
export const writerLabel = "homelab-k3s-writer";
export const configMapsOf = (namespace: string): string => `/api/v1/namespaces/${namespace}/configmaps`;

/** Who writes where. */
export type WriterTarget = {
  access: Access;
  /** Tells the writers of one cluster apart; part of the ConfigMaps' names. */
  name: string;
  /** Must exist. Default `default`. */
  namespace?: string;
};

/** For reading everything back: the operation that just ended may still cost a failover. */
const readBackMs = 60_000;
const listTimeoutMs = 15_000;

type ConfigMapList = { items: { metadata: { name: string }; data?: Record<string, string> }[] };

/**
 * Begins to write ConfigMaps one after another through the endpoint, each over a new connection and under a name that
 * is never used again; a write that was not acknowledged is not repeated, so whether it happened does not matter. At
 * the end all that was acknowledged is looked for with a read that etcd's majority agrees on. Resolves once the first
 * write has ended.
 */
export async function startWriter({ access, name, namespace = "default" }: WriterTarget): Promise<Writer> {
  const target: Required<WriterTarget> = { access, name, namespace };
  const thread = await startThread<Written>(new URL("./writer-worker.ts", import.meta.url), target);
  return {
    async stop() {
      const { acknowledged, longestPauseMs } = await thread.stop();
      const path = `${configMapsOf(namespace)}?labelSelector=${writerLabel}%3D${name}`;
      const { items } = await waitFor(
        `what ${name} wrote`,
        () => api<ConfigMapList>(access, "GET", path, undefined, listTimeoutMs),
        { timeoutMs: readBackMs },
      );
      return { acknowledged: acknowledged.length, lost: lostOf(acknowledged, items), longestPauseMs };
    },
  };
}

/** The acknowledged names that are not among the items with their own content. Pure. */
export function lostOf(acknowledged: readonly string[], items: ConfigMapList["items"]): string[] {
  const there = new Map(items.map(({ metadata, data }) => [metadata.name, data?.content]));
  return acknowledged.filter((name) => there.get(name) !== name);
}
