import { agentFlags, serverFlags } from "./render.ts";
import type { ClusterConfig, NodeConfig } from "./schema.ts";

/** What a node was brought to. Holds no secret. */
export interface AppliedNode {
  readonly role: "server" | "agent";
  /** What may be done with a k3s that is there already. */
  readonly existing?: "adopt" | "replace" | undefined;
  /** Declared lost: the cluster does without it. */
  readonly lost: boolean;
  /** Whether it comes and goes: what is said of it happens when it is on. */
  readonly partTime?: boolean | undefined;
  /** Its `config.yaml` without secrets, under k3s' own names. */
  readonly flags: Readonly<Record<string, unknown>>;
}

/**
 * What a stack was brought to when it last succeeded. It is an output of the stack, so that the next preview can say
 * what a changed configuration means for each node.
 */
export interface Applied {
  readonly version: string;
  /** Counters of rotations. */
  readonly rotate: ClusterConfig["rotate"];
  /** By name, servers in joining order before agents. */
  readonly nodes: Readonly<Record<string, AppliedNode>>;
  /** The restore that it has been through and that stands in its configuration. */
  readonly restore?: { readonly id: string; readonly snapshot: string } | undefined;
}

/** What a configuration brings the stack to. Pure. */
export function appliedOf(config: ClusterConfig): Applied {
  const server = (node: NodeConfig): AppliedNode => ({
    role: "server",
    existing: node.existing,
    lost: node.lost,
    flags: serverFlags(config, node),
  });
  const agent = (node: NodeConfig): AppliedNode => ({
    role: "agent",
    existing: node.existing,
    lost: node.lost,
    ...(node.partTime && { partTime: true }),
    flags: agentFlags(node),
  });
  return {
    version: config.version,
    rotate: config.rotate,
    nodes: Object.fromEntries([
      ...config.servers.map((node) => [node.name, server(node)]),
      ...[...config.agents, ...config.partTimeAgents].map((node) => [node.name, agent(node)]),
    ]),
    ...(config.restore && { restore: { id: config.restore.id, snapshot: config.restore.snapshot } }),
  };
}

/** What each counter renews, and whether on agents too. */
export const renews = [
  { counter: "serverToken", what: "new server token", agents: false },
  { counter: "encryptionKeys", what: "new encryption keys", agents: false },
  { counter: "agentToken", what: "new agent token", agents: true },
  { counter: "certificates", what: "new certificates", agents: true },
] as const;

/** Counters that a configuration sets back, as `rotate.certificates 2 -> 1`: what was rotated cannot be turned back. */
export function lowered(before: Applied | undefined, now: Applied): string[] {
  return renews
    .map(({ counter }) => ({ counter, was: before?.rotate[counter] ?? 0, is: now.rotate[counter] }))
    .filter(({ was, is }) => is < was)
    .map(({ counter, was, is }) => `rotate.${counter} ${was} -> ${is}`);
}

/** The servers that a stack has, and has not given up. */
const servers = ({ nodes }: Applied) =>
  Object.entries(nodes).flatMap(([name, { role, lost }]) => (role === "server" && !lost ? [name] : []));

/**
 * Whether none of the servers that hold the cluster's data stays: the first of the new ones would found another
 * cluster. A restore brings the data along, so it may do that.
 */
export function abandonsData(before: Applied | undefined, now: Applied): boolean {
  if (!before || (now.restore && now.restore.id !== before.restore?.id)) return false;
  const kept = servers(now);
  const held = servers(before);
  return held.length > 0 && !held.some((name) => kept.includes(name));
}

/** A finished restore that names another snapshot now, as `r1: early -> late`: nothing would happen, since its id is done. */
function renamedRestore(before: Applied | undefined, { restore }: Applied): string | undefined {
  const done = before?.restore;
  if (!done || done.id !== restore?.id || done.snapshot === restore.snapshot) return undefined;
  return `${done.id}: ${done.snapshot} -> ${restore.snapshot}`;
}

/** Why a change must not be made to a stack in this state. Pure. */
export function refusalOf(before: Applied | undefined, now: Applied): string | undefined {
  const back = lowered(before, now);
  if (back.length > 0) {
    return `${back.join(", ")}: what was rotated cannot be turned back. Leave the counters as they were, or raise them for one more rotation.`;
  }
  const restore = renamedRestore(before, now);
  if (restore) {
    return `restore.snapshot: ${restore}, and this restore is done. Give it a new id to restore again, or take \`restore\` out.`;
  }
  if (abandonsData(before, now)) {
    return "servers: none of the servers that hold the cluster's data stays, so the new ones would found another cluster. Replace one after another, or restore a snapshot onto the new ones (restore).";
  }
  return undefined;
}
