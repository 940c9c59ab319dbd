import { createHash } from "node:crypto";
import { checksumsFor } from "../config/releases.ts";
import { virtualAddress } from "../config/render.ts";
import { living } from "../config/roster.ts";
import type { ClusterConfig, MachineConfig } from "../config/schema.ts";

const digest = (value: unknown): string =>
  createHash("sha256").update(JSON.stringify(value)).digest("hex").slice(0, 12);

/** Changes when something changes that every node must be looked at again for, before the first one is touched. */
export function clusterChange(config: ClusterConfig): string {
  const { version, k3s, tlsSans, endpoint, rotate } = config;
  const { copyTo: _, ...backup } = config.backup;
  const servers = living(config.servers)
    .map(({ name, address }) => `${name}=${address}`)
    .sort();
  return digest([
    version,
    checksumsFor(version, config.checksums),
    k3s,
    tlsSans,
    endpoint,
    rotate,
    servers,
    backup,
  ]);
}

/** Changes when any machine must be looked at again. */
export function anyMachineChange(machines: readonly MachineConfig[], cluster: string): string {
  return digest(machines.map((machine) => machineChange(machine, cluster)));
}

/** Changes when machines and the network between them must be measured again: with the nodes, and what is asked of them. */
export function measureChange(config: ClusterConfig): string {
  const { servers, agents, limits, k3s } = config;
  const nodes = living([...servers, ...agents]).map(({ name, role, host, address, hostKey }) => [
    name,
    role,
    host,
    address,
    hostKey,
  ]);
  return digest([nodes, limits, k3s.flannelBackend, virtualAddress(config)]);
}

/** Changes when one machine must be looked at again: with the cluster, or with its own entry in the stack. */
export function machineChange(node: MachineConfig, cluster: string): string {
  return digest([cluster, node]);
}

/** Changes with anything that a node or the cluster is given; then the cluster is verified again. */
export function anyChange(config: ClusterConfig): string {
  const { snapshots: _, agentsParallel: __, protect: ___, limits: ____, ...given } = config;
  return digest(given);
}

/** Changes with anything that a backup is made of, and whenever the cluster is verified. */
export function backupChange(config: ClusterConfig): string {
  return digest([anyChange(config), config.snapshots]);
}
