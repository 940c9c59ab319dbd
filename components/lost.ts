import type * as pulumi from "@pulumi/pulumi";
import type { NodeConfig } from "../config/schema.ts";
import type { Flag } from "./command-line.ts";
import { type NodeAccess, NodeStep } from "./node-step.ts";

/** Seconds for taking a machine out of what the cluster knows. */
export const forgetDeadline = 120;

/**
 * Options of a resource whose machine is lost: it stays in the state as it is, so that it is the same resource when
 * the machine comes back, and nothing runs there, whatever changes, also when the entry is dropped.
 */
export const untouched = {
  retainOnDelete: true,
  ignoreChanges: ["*"],
  protect: false,
} satisfies pulumi.CustomResourceOptions;

/** What a server does about a machine that is gone. */
export function forgetFlags({ name, address }: NodeConfig, role: "any" | "agent"): Flag[] {
  const as: Flag[] = role === "agent" ? [["role", "agent"]] : [["address", address]];
  return [["name", name], ...as, ["deadline", forgetDeadline]];
}

/**
 * The cluster forgets its lost servers before anything else: nothing may be changed while they count as silent
 * voters. Runs on the server that is asked; one step a machine. It is told of all other servers, the lost ones too: where
 * too many are lost, its etcd does not say who votes.
 */
export function forgetServers(
  servers: readonly NodeConfig[],
  access: NodeAccess,
  opts: pulumi.CustomResourceOptions,
): NodeStep[] {
  const peers = servers
    .filter(({ name }) => name !== access.name)
    .map(({ name, address }) => `${name}=${address}`)
    .sort()
    .map((peer): Flag => ["peer", peer]);
  return servers
    .filter(({ lost }) => lost)
    .map((node) => {
      const flags = [...forgetFlags(node, "any"), ...peers];
      const args = { verb: "forget", flags, deadline: forgetDeadline };
      return new NodeStep(`${node.name}-forget`, access, args, opts);
    });
}
