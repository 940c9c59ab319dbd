import { checksumsFor } from "../config/releases.ts";
import { firstServer, living } from "../config/roster.ts";
import type { ClusterConfig, MachineConfig, NodeConfig } from "../config/schema.ts";
import type { Flag } from "./command-line.ts";
import { uploadDirectory } from "./scripts.ts";

/** Seconds for one node: a slow mini PC downloads 80 MB and starts etcd well within it. */
export const nodeDeadline = 600;

/** Seconds for the step of a server or an agent: what a node takes, and what its pods may take to leave it. */
export function stepDeadline(config: ClusterConfig): number {
  return nodeDeadline + config.drainDeadline;
}

/** Flags that a server and an agent step share: who it is, which binary it must run, and how long it may take. */
export function binaryFlags(config: ClusterConfig, node: NodeConfig): Flag[] {
  return [
    ["name", node.name],
    ["address", node.address],
    ...releaseFlags(config),
    ...restoredFlags(config),
    ["drain-deadline", config.drainDeadline],
    ["deadline", stepDeadline(config)],
  ];
}

/** After which restore this is, so that every node's step runs once more and the node sees what it missed. */
function restoredFlags({ restore }: ClusterConfig): Flag[] {
  return restore ? [["restored", restore.id]] : [];
}

/**
 * The user's consent to take over or replace a k3s that is there. It goes with the run that creates a node's resource
 * and with no later one, so that an entry that was left in the stack allows nothing years later.
 */
export function consentFlags(node: MachineConfig): Flag[] {
  return node.existing === undefined ? [] : [["existing", node.existing]];
}

/** Servers whose own k3s is given up: a new server must not take it for a second cluster that lives. */
export function replacingFlags(config: ClusterConfig, node: NodeConfig): Flag[] {
  const names = config.servers
    .filter(({ name, existing }) => existing === "replace" && name !== node.name)
    .map(({ name }) => name);
  return names.length === 0 ? [] : [["replacing", names.sort().join(",")]];
}

/** Which release, what its binary must hash to, and where the node finds it. */
export function releaseFlags(config: ClusterConfig): Flag[] {
  const sums = checksumsFor(config.version, config.checksums);
  return [
    ["version", config.version],
    ...(["amd64", "arm64"] as const).flatMap((arch): Flag[] =>
      sums[arch] === undefined ? [] : [[`sha256-${arch}`, sums[arch]]],
    ),
    config.upload ? ["upload", uploadDirectory] : ["mirror", config.download.mirror],
  ];
}

/** Files that are copied to every node, and where to, under the release's own names. */
export function uploads({ upload = {} }: ClusterConfig): { file: string; remotePath: string }[] {
  return (["amd64", "arm64"] as const).flatMap((arch) => {
    const { binary, images } = upload[arch] ?? {};
    const named = (file: string | undefined, name: string) =>
      file === undefined ? [] : [{ file, remotePath: `${uploadDirectory}/${name}` }];
    const extension = images?.slice(images.lastIndexOf(".tar")) ?? "";
    return [
      ...named(binary, arch === "amd64" ? "k3s" : `k3s-${arch}`),
      ...named(images, `k3s-airgap-images-${arch}${extension}`),
    ];
  });
}

const counter = (flag: string, rotations: number): Flag[] => (rotations > 0 ? [[flag, rotations]] : []);

/** What shall have been rotated on an agent. */
function agentRotations({ rotate }: ClusterConfig): Flag[] {
  return counter("rotate-certificates", rotate.certificates);
}

/** How an agent joins: seeded with a server's URL, and with all others to fall back on. */
export function joinFlags(config: ClusterConfig, node: NodeConfig, url: string): Flag[] {
  return [...binaryFlags(config, node), ...peerFlags(config, node), ["join", url], ...agentRotations(config)];
}

/**
 * What a server is told before a machine joins as an agent.
 * @param machineId null where the machine has none
 * @param deadline seconds
 */
export function admitFlags(name: string, machineId: string | null, deadline: number): Flag[] {
  return [
    ["node", `${name}=${machineId ?? "none"}`],
    ["deadline", deadline],
  ];
}

/** What shall have been rotated on a server; the first one rotates what the cluster has only one of. */
export function serverRotations(config: ClusterConfig, node: NodeConfig): Flag[] {
  const { rotate } = config;
  const shared = [...counter("rotate-token", rotate.serverToken), ...keyRotations({ rotate })];
  const first: Flag[] = shared.length > 0 && node.name === firstServer(config).name ? [["first", null]] : [];
  return [...shared, ...counter("rotate-certificates", rotate.certificates), ...first];
}

/** Once the keys were rotated, it is verified that all servers have the same. */
export function keyRotations({ rotate }: Pick<ClusterConfig, "rotate">): Flag[] {
  return counter("rotate-keys", rotate.encryptionKeys);
}

/** All living servers but this one, in an order that does not depend on the list's. */
export function peerFlags(config: ClusterConfig, node: NodeConfig): Flag[] {
  return living(config.servers)
    .filter(({ name }) => name !== node.name)
    .map(({ name, address }) => `${name}=${address}`)
    .sort()
    .map((peer): Flag => ["peer", peer]);
}

/** Seconds for leaving the cluster and taking k3s off the node, once its pods have left. */
const leaveDeadline = 300;

/** Seconds for the removal of a node. */
export function removeDeadline(config: ClusterConfig): number {
  return leaveDeadline + config.drainDeadline;
}

/** How a node leaves: which servers may still speak for the cluster, and how long its pods may take. */
export function removeFlags(config: ClusterConfig, node: NodeConfig): Flag[] {
  return [
    ["name", node.name],
    ["role", node.role],
    ...peerFlags(config, node),
    ["drain-deadline", config.drainDeadline],
    ["deadline", removeDeadline(config)],
  ];
}
