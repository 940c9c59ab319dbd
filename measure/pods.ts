import { setTimeout as sleep } from "node:timers/promises";
import { type Access, api } from "./kube.ts";

/** How many pods were ready at a moment (milliseconds since 1970). */
export interface PodCount {
  readonly at: number;
  readonly ready: number;
}

type Pod = {
  metadata: { deletionTimestamp?: string; ownerReferences?: { kind: string; controller?: boolean }[] };
  status?: { conditions?: { type: string; status: string }[] };
};
type Nodes = { items: { status?: { nodeInfo?: { containerRuntimeVersion?: string } } }[] };

/** What makes pods that stay with their node: they do not move when it is lost. */
const ofNodes = ["DaemonSet", "Node"];

/** Ready pods that something makes anew elsewhere when they are lost. Pure. */
export function movablePods(pods: readonly Pod[]): number {
  return pods.filter(({ metadata, status }) => {
    const owner = metadata.ownerReferences?.find(({ controller }) => controller);
    const ready = status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True");
    return owner && !ofNodes.includes(owner.kind) && ready && !metadata.deletionTimestamp;
  }).length;
}

/** Whether any node has a container runtime; where none has, pods are said to run and do not. */
export async function runsPods(access: Access): Promise<boolean> {
  const { items } = await api<Nodes>(access, "GET", "/api/v1/nodes");
  return items.some(({ status }) =>
    /^(containerd|cri-o|docker):/.test(status?.nodeInfo?.containerRuntimeVersion ?? ""),
  );
}

const everyMs = 1_000;

/** Counts ready pods once a second until it is stopped; what cannot be asked is left out. */
export function countPods(access: Access): { stop(): Promise<PodCount[]> } {
  const counts: PodCount[] = [];
  let ended = false;
  const counting = (async () => {
    while (!ended) {
      const at = Date.now();
      const { items } = await api<{ items: Pod[] }>(access, "GET", "/api/v1/pods").catch(() => ({
        items: undefined,
      }));
      if (items) counts.push({ at, ready: movablePods(items) });
      await sleep(everyMs);
    }
  })();
  return {
    async stop() {
      ended = true;
      await counting;
      return counts;
    },
  };
}

/** What a blow did to the pods that can move. */
export interface PodsMoved {
  readonly before: number;
  readonly lowest: number;
  /** From the blow until as many were ready again as before; null when that was not seen. */
  readonly backMs: number | null;
}

/** Pure. */
export function podsMoved(counts: readonly PodCount[], blowAt: number): PodsMoved {
  const before = counts.findLast(({ at }) => at <= blowAt)?.ready ?? 0;
  const after = counts.filter(({ at }) => at > blowAt);
  const lowest = Math.min(before, ...after.map(({ ready }) => ready));
  const low = after.findIndex(({ ready }) => ready === lowest);
  const back = lowest === before ? { at: blowAt } : after.slice(low).find(({ ready }) => ready >= before);
  return { before, lowest, backMs: back ? back.at - blowAt : null };
}
