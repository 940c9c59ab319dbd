import * as pulumi from "@pulumi/pulumi";
import { agentConfig, stepInput } from "../config/render.ts";
import type { ClusterConfig, NodeConfig } from "../config/schema.ts";
import { forgetDeadline, forgetFlags, untouched } from "./lost.ts";
import { type NodeAccess, NodeStep } from "./node-step.ts";
import { admitFlags, consentFlags, joinFlags, removeFlags, stepDeadline } from "./server-flags.ts";
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
  /** What lets the machine in under its name. */
  readonly admission: AdmissionArgs;
}

export interface AdmissionArgs {
  /** A server that runs. */
  readonly access: NodeAccess;
  /** The step of that server. */
  readonly after: pulumi.Resource;
  /** What `fetch` read on the agent's machine; null where there is none, undefined when the machine is lost. */
  readonly machineId: pulumi.Output<string | null> | undefined;
}

/** One k3s agent. Done when the cluster has given its kubelet credentials; `verify` asserts that it is Ready. */
export class K3sAgentNode extends pulumi.ComponentResource {
  readonly step: pulumi.Resource;
  /** The node's name. */
  readonly name: string;

  constructor(name: string, args: K3sAgentNodeArgs, opts?: pulumi.ComponentResourceOptions) {
    // A server that becomes an agent stays the same resource, so that it is changed and never removed and made anew.
    const aliases = [{ type: componentType("K3sServerNode") }];
    super(componentType("K3sAgentNode"), name, {}, pulumi.mergeOptions(opts, { aliases }));
    const { config, node, access, admission } = args;
    const admitted = this.admit(name, node, admission);
    this.step = new NodeStep(
      `${name}-k3s`,
      access,
      {
        verb: "agent",
        flags: args.url.apply((url) => joinFlags(config, node, url)),
        createFlags: consentFlags(node),
        remove: { verb: "remove", flags: removeFlags(config, node) },
        stdin: args.token.apply((token) => stepInput(token, agentConfig(node))),
        deadline: stepDeadline(config),
      },
      {
        parent: this,
        dependsOn: args.after.apply((after) => [...after, admitted]),
        ...(node.lost && untouched),
      },
    );
    this.name = node.name;
    this.registerOutputs({});
  }

  /**
   * A reinstalled machine has another machine-id: the cluster then forgets the one that had the name before, which an
   * agent cannot do for itself. When the agent is lost, or gone from the stack, its Node and password go.
   */
  private admit(name: string, node: NodeConfig, { access, after, machineId }: AdmissionArgs): NodeStep {
    const lost = { verb: "forget", flags: forgetFlags(node, "any") };
    const remove = { verb: "forget", flags: forgetFlags(node, "agent") };
    const flags = machineId?.apply((id) => admitFlags(node.name, id, forgetDeadline));
    const args = { ...(flags ? { verb: "admit", flags } : lost), remove, deadline: forgetDeadline };
    return new NodeStep(`${name}-admit`, access, args, { parent: this, dependsOn: after });
  }
}
