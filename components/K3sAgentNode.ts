import * as pulumi from "@pulumi/pulumi";
import { agentConfig, stepInput } from "../config/render.ts";
import type { ClusterConfig, NodeConfig } from "../config/schema.ts";
import type { Flag } from "./command-line.ts";
import { type NodeAccess, NodeStep } from "./node-step.ts";
import { binaryFlags, consentFlags, removeFlags, stepDeadline } from "./server-flags.ts";
import { componentType } from "./types.ts";

export interface K3sAgentNodeArgs {
  readonly config: ClusterConfig;
  readonly node: NodeConfig;
  readonly access: NodeAccess;
  /** A server's URL. It only seeds the agent's own load balancer, which learns the other servers. */
  readonly url: pulumi.Output<string>;
  /** The token that agents join with, which carries the hash of the cluster's CA. */
  readonly token: pulumi.Output<string>;
  /** What must be done before: the agent before it in its lane, and all servers when the cluster lives already. */
  readonly after: pulumi.Output<pulumi.Resource[]>;
}

/** One k3s agent. Done when the cluster has given its kubelet credentials; `verify` asserts that it is Ready. */
export class K3sAgentNode extends pulumi.ComponentResource {
  readonly step: pulumi.Resource;

  constructor(name: string, args: K3sAgentNodeArgs, opts?: pulumi.ComponentResourceOptions) {
    super(componentType("K3sAgentNode"), name, {}, opts);
    const { config, node, access } = args;
    this.step = new NodeStep(
      `${name}-k3s`,
      access,
      {
        verb: "agent",
        flags: args.url.apply((url): Flag[] => [...binaryFlags(config, node), ["join", url]]),
        createFlags: consentFlags(node),
        remove: { verb: "remove", flags: removeFlags(config, node) },
        stdin: args.token.apply((token) => stepInput(token, agentConfig(node))),
        deadline: stepDeadline(config),
      },
      { parent: this, dependsOn: args.after },
    );
    this.registerOutputs({});
  }
}
