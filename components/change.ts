import { createHash } from "node:crypto";
import { checksumsFor } from "../config/releases.ts";
import { living } from "../config/roster.ts";
import type { ClusterConfig, MachineConfig } from "../config/schema.ts";

const digest = (value: unknown): string =>
  createHash("sha256").update(JSON.stringify(value)).digest("hex").slice(0, 12);

/** Changes when something changes that every node must be looked at again for, before the first one is touched. */
function clusterChange(config: ClusterConfig): string {
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

/** Changes when the machines must be looked at again: with the cluster, with an entry in the stack, or with a limit. */
export function lookChange(config: ClusterConfig, machines: readonly MachineConfig[]): string {
  return digest([clusterChange(config), machines, config.limits, config.restore?.id]);
}

/** Changes with a machine's own entry in the stack. */
export function machineChange(machine: MachineConfig): string {
  return digest(machine);
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
