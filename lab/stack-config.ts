import { parse } from "yaml";
import type { PodPlan } from "./k3s/plan.ts";
import type { Topology } from "./topology.ts";

/** The project's prefix of every configuration key. */
export const prefix = "homelab-k3s:";

/** What an instance adds to the stack file of the repository. */
export type Instance = {
  topology: Topology;
  /** Pinned SSH host key of each node, by name. */
  hostKeys: Record<string, string>;
  version: string;
  /** Where the nodes download the release, and what its binary must hash to. */
  mirror: string;
  sha256: string;
  /** The machine's architecture as k3s calls it. */
  arch: "amd64" | "arm64";
  snapshots: readonly string[];
  /** What the images on the machines allow; undefined where none are needed. */
  pods?: Pick<PodPlan, "endpoint" | "disable">;
};

/**
 * The configuration of an instance's stack: what the repository's stack file says, with the nodes, addresses,
 * host keys and download of this instance. Pure.
 * @param stackFile The text of Pulumi.lab.yaml.
 */
export function stackConfig(stackFile: string, instance: Instance): Record<string, unknown> {
  const { config = {} } = (parse(stackFile) ?? {}) as { config?: Record<string, unknown> };
  const { topology, hostKeys, version, mirror, sha256, arch, snapshots, pods } = instance;
  const node = ({ name, address }: Topology["nodes"][number]) => ({
    name,
    host: address,
    address,
    hostKey: hostKeys[name],
  });
  const kubeVip = pods === undefined || pods.endpoint === "kube-vip";
  const own = kubeVip ? (config[`${prefix}endpoint`] as object) : {};
  const endpoint = { ...own, provider: kubeVip ? "kube-vip" : "keepalived", address: topology.vip };
  const k3s = (config[`${prefix}k3s`] ?? {}) as { disable?: string[] };
  const disable = [...new Set([...(k3s.disable ?? []), ...(pods?.disable ?? [])])];
  return {
    ...config,
    [`${prefix}version`]: version,
    [`${prefix}endpoint`]: endpoint,
    ...(pods && { [`${prefix}k3s`]: { ...k3s, disable } }),
    [`${prefix}servers`]: topology.servers.map(node),
    [`${prefix}agents`]: topology.agents.map(node),
    [`${prefix}download`]: { mirror },
    [`${prefix}checksums`]: { [arch]: sha256 },
    [`${prefix}snapshots`]: [...snapshots],
  };
}
