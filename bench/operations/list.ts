import type { Cluster } from "../../lab/cluster.ts";
import type { Prepared } from "../../lab/prepare.ts";
import { inRoles } from "../../lab/topology.ts";
import { accessOf, api } from "../../measure/kube.ts";

/** A change of the stack that people make, on a cluster of three servers and two agents. */
export interface Operation {
  readonly name: string;
  /** What must be there before, outside of what is measured. */
  readonly begin?: (cluster: Cluster, prepared: Prepared) => Promise<void>;
  /** Configures what the next `up` does. */
  readonly change: (cluster: Cluster, prepared: Prepared) => Promise<void>;
  /** Whether what is written meanwhile is meant to be gone afterwards. */
  readonly goesBack?: boolean;
}

/** Keys of the stack that stay from one operation to the next. */
const settings: Record<string, unknown> = {};

const set = (cluster: Cluster, more: Record<string, unknown>): Promise<void> =>
  cluster.configure({ more: Object.assign(settings, more) });

const roles = (cluster: Cluster, prepared: Prepared, servers: string, agents: string): Promise<void> => {
  const list = (names: string) => names.split(" ").filter(Boolean);
  return cluster.configure({ topology: inRoles(prepared.topology, list(servers), list(agents)) });
};

const rotated = { serverToken: 1, agentToken: 1, certificates: 1, encryptionKeys: 1 };
const configMaps = "/api/v1/namespaces/default/configmaps";

export const operations: readonly Operation[] = [
  {
    name: "upgrade by a minor",
    change: (cluster, { releases }) => cluster.configure({ release: releases.at(-1)! }),
  },
  { name: "new names", change: (cluster) => set(cluster, { tlsSans: ["k3s.example.org"] }) },
  { name: "rotation of everything", change: (cluster) => set(cluster, { rotate: rotated }) },
  {
    name: "rotation of the agent token",
    change: (cluster) => set(cluster, { rotate: { ...rotated, agentToken: 2 } }),
  },
  {
    name: "two agents become servers",
    change: (cluster, prepared) => roles(cluster, prepared, "server-1 server-2 server-3 agent-1 agent-2", ""),
  },
  {
    name: "the founder leaves, a server becomes an agent",
    change: (cluster, prepared) => roles(cluster, prepared, "server-2 server-3 agent-1", "agent-2"),
  },
  {
    name: "the founder comes back, as an agent",
    change: (cluster, prepared) => roles(cluster, prepared, "server-2 server-3 agent-1", "agent-2 server-1"),
  },
  {
    name: "restore, tokens and keys rotated before and since",
    goesBack: true,
    async begin(cluster) {
      await cluster.configure({ snapshots: ["early"] });
      await cluster.operate("up");
      const access = accessOf((await cluster.outputs()).kubeconfig as string);
      await api(access, "POST", configMaps, {
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name: "later" },
      });
      await set(cluster, { rotate: { ...rotated, serverToken: 2, agentToken: 3, encryptionKeys: 2 } });
      await cluster.operate("up");
    },
    change: (cluster) => set(cluster, { restore: { id: "r1", snapshot: "early" } }),
  },
];
