import { checksumsFor } from "../config/releases.ts";
import type { ClusterConfig, NodeConfig } from "../config/schema.ts";
import type { Flag } from "./command-line.ts";

/** Seconds for one node: a slow mini PC downloads 80 MB and starts etcd well within it. */
export const nodeDeadline = 600;

/** Flags that a server and an agent step share: who it is and which binary it must run. */
export function binaryFlags(config: ClusterConfig, node: NodeConfig): Flag[] {
  const sums = checksumsFor(config.version, config.checksums);
  return [
    ["name", node.name],
    ["address", node.address],
    ["version", config.version],
    ...(["amd64", "arm64"] as const).flatMap((arch): Flag[] =>
      sums[arch] === undefined ? [] : [[`sha256-${arch}`, sums[arch]]],
    ),
    ["mirror", config.download.mirror],
  ];
}

/** All servers but this one, in an order that does not depend on the list's. */
export function peerFlags(config: ClusterConfig, node: NodeConfig): Flag[] {
  return config.servers
    .filter(({ name }) => name !== node.name)
    .map(({ name, address }) => `${name}=${address}`)
    .sort()
    .map((peer): Flag => ["peer", peer]);
}

/** Seconds for leaving the cluster and taking k3s off the node. */
export const removeDeadline = 300;

/** How a node leaves: which servers may still speak for the cluster. */
export function removeFlags(config: ClusterConfig, node: NodeConfig): Flag[] {
  return [["name", node.name], ["role", node.role], ...peerFlags(config, node), ["deadline", removeDeadline]];
}
