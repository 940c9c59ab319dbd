import * as pulumi from "@pulumi/pulumi";
import type { ClusterConfig, NodeConfig } from "../config/schema.ts";
import { type AdmissionArgs, K3sAgentNode } from "./K3sAgentNode.ts";
import type { NodeAccess } from "./node-step.ts";

export interface JoinAgentsArgs {
  readonly config: ClusterConfig;
  /** A server's URL, and the token that agents join with. */
  readonly url: pulumi.Output<string>;
  readonly token: pulumi.Output<string>;
  /** The server that lets machines in. */
  readonly server: Omit<AdmissionArgs, "machineId">;
  /** Servers that must be done before any agent is touched. */
  readonly serversFirst: pulumi.Output<pulumi.Resource[]>;
  /** Names of the servers that shall be agents. */
  readonly demoted: pulumi.Output<readonly string[]>;
  readonly machineOf: (node: NodeConfig) => AgentMachine;
}

/** What an agent's step needs of its machine; only the way there when it is lost. */
export interface AgentMachine {
  readonly access: NodeAccess;
  readonly machineId: AdmissionArgs["machineId"];
  /** The step that brought the release there. */
  readonly fetched: pulumi.Resource | undefined;
}

/**
 * Agents in lanes, beside the servers that still join: they need one server, and find the others by themselves. In a
 * cluster that lives already they come after all servers, since an agent must never be newer than a server. Servers
 * that become agents leave etcd, so they do it one after another.
 */
export function joinAgents(args: JoinAgentsArgs, opts: pulumi.ComponentResourceOptions): K3sAgentNode[] {
  const { config, url, token, serversFirst, demoted } = args;
  const agents: { readonly node: NodeConfig; readonly agent: K3sAgentNode }[] = [];
  for (const node of config.agents) {
    const { access, machineId, fetched } = args.machineOf(node);
    const lane = agents.at(-config.agentsParallel)?.agent.step;
    const earlier = [...agents];
    const after = pulumi.all([serversFirst, demoted]).apply(([servers, leaving]) => {
      const left = earlier.filter((one) => leaving.includes(one.node.name)).map(({ agent }) => agent.step);
      const order = leaving.includes(node.name) ? left : [];
      return [...servers, ...order, ...[fetched, lane].filter((resource) => resource !== undefined)];
    });
    const admission = { ...args.server, machineId };
    const agentArgs = { config, node, access, url, token, after, admission };
    agents.push({ node, agent: new K3sAgentNode(node.name, agentArgs, opts) });
  }
  return agents.map(({ agent }) => agent);
}
