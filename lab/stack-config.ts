import { parse } from "yaml";
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
};

/**
 * The configuration of an instance's stack: what the repository's stack file says, with the nodes, addresses,
 * host keys and download of this instance. Pure.
 * @param stackFile The text of Pulumi.lab.yaml.
 */
export function stackConfig(stackFile: string, instance: Instance): Record<string, unknown> {
  const { config = {} } = (parse(stackFile) ?? {}) as { config?: Record<string, unknown> };
  const { topology, hostKeys, version, mirror, sha256, arch, snapshots } = instance;
  const node = ({ name, address }: Topology["nodes"][number]) => ({
    name,
    host: address,
    address,
    hostKey: hostKeys[name],
  });
  const endpoint = {
    ...(config[`${prefix}endpoint`] as object),
    provider: "kube-vip",
    address: topology.vip,
  };
  return {
    ...config,
    [`${prefix}version`]: version,
    [`${prefix}endpoint`]: endpoint,
    [`${prefix}servers`]: topology.servers.map(node),
    [`${prefix}agents`]: topology.agents.map(node),
    [`${prefix}download`]: { mirror },
    [`${prefix}checksums`]: { [arch]: sha256 },
    [`${prefix}snapshots`]: [...snapshots],
  };
}
