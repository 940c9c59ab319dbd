import type * as pulumi from "@pulumi/pulumi";
import type { ClusterConfig, MachineConfig } from "../config/schema.ts";
import { labelNodes } from "./node-labels.ts";
import type { NodeAccess } from "./node-step.ts";
import { PartTimeAgent, type PartTimeAgentArgs } from "./PartTimeAgent.ts";

export interface PartTimeAgentsArgs extends Omit<PartTimeAgentArgs, "node" | "machine" | "server"> {
  readonly config: ClusterConfig;
  /** How ssh/ gets to a machine. Secret. */
  readonly request: (machine: MachineConfig) => pulumi.Output<string>;
  /** The server that is asked about the cluster. */
  readonly server: MachineConfig;
  readonly access: NodeAccess;
}

/**
 * The agents that come and go, with their labels. Nothing waits for them. One that is off has no Node yet, or keeps the
 * one that it has; a new Node gets its labels as it registers.
 */
export function bringPartTimeAgents(
  { request, server, access, ...args }: PartTimeAgentsArgs,
  parent: pulumi.Resource,
): void {
  const { partTimeAgents } = args.config;
  const steps = new Map(
    partTimeAgents.map((node) => {
      const agentArgs = { ...args, node, machine: request(node), server: request(server) };
      return [node.name, new PartTimeAgent(node.name, agentArgs, { parent }).step];
    }),
  );
  labelNodes(partTimeAgents, access, (name) => steps.get(name)!, parent);
}
