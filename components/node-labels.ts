import type * as pulumi from "@pulumi/pulumi";
import type { NodeConfig } from "../config/schema.ts";
import { machineChange } from "./change.ts";
import type { Flag } from "./command-line.ts";
import { type NodeAccess, NodeStep } from "./node-step.ts";

/** Seconds for reading a Node and changing it. */
const labelDeadline = 120;

/**
 * The Nodes carry the labels and taints that the stack gives them, also those that came after a node registered, and
 * lose those that it gave before. One step for each node that has any, on the server that is asked.
 * @param stepOf the step after which a node is registered
 */
export function labelNodes(
  nodes: readonly NodeConfig[],
  access: NodeAccess,
  stepOf: (name: string) => pulumi.Resource,
  parent: pulumi.Resource,
): NodeStep[] {
  return nodes
    .filter(({ labels, taints }) => Object.keys(labels).length > 0 || taints.length > 0)
    .map((node) => {
      const name: Flag = ["name", node.name];
      const labels = Object.entries(node.labels).map(([key, value]): Flag => ["label", `${key}=${value}`]);
      const taints = node.taints.map((taint): Flag => ["taint", taint]);
      const args = {
        verb: "label",
        flags: [name, ...labels.sort(), ...taints.sort(), ["deadline", labelDeadline] as const],
        remove: { verb: "label", flags: [name, ["deadline", labelDeadline] as const] },
        // a machine that registers anew does it with what it has, and what is written down on its Node is gone
        change: machineChange(node),
        deadline: labelDeadline,
      };
      return new NodeStep(`${node.name}-labels`, access, args, { parent, dependsOn: stepOf(node.name) });
    });
}
