import * as pulumi from "@pulumi/pulumi";
import { agentConfig, stepInput } from "../config/render.ts";
import type { ClusterConfig, NodeConfig } from "../config/schema.ts";
import { LocalStep } from "./local-step.ts";
import { forgetFlags } from "./lost.ts";
import type { PartTimeInput } from "./part-time.ts";
import { joinFlags, nodeDeadline, releaseFlags, removeFlags, stepDeadline, uploads } from "./server-flags.ts";
import { componentType } from "./types.ts";

export interface PartTimeAgentArgs {
  readonly config: ClusterConfig;
  readonly node: NodeConfig;
  /** How ssh/ gets to its machine, and to a server that knows it. Secret. */
  readonly machine: pulumi.Output<string>;
  readonly server: pulumi.Output<string>;
  /** A server's URL, and the token that agents join with. */
  readonly url: pulumi.Output<string>;
  readonly token: pulumi.Output<string>;
  /** The last of the servers: an agent must never be newer than they are. */
  readonly after: pulumi.Resource;
}

/**
 * A k3s agent that comes and goes. One step, from the machine where Pulumi runs, in every `up`: a machine that is on is
 * brought up to date, one that is off is left alone, and neither holds anything up or fails it.
 */
export class PartTimeAgent extends pulumi.ComponentResource {
  readonly step: pulumi.Resource;

  constructor(name: string, args: PartTimeAgentArgs, opts?: pulumi.ComponentResourceOptions) {
    super(componentType("PartTimeAgent"), name, {}, opts);
    const { config, node, after } = args;
    const stdin = pulumi
      .all([args.machine, args.server, args.url, args.token])
      .apply(([machine, server, url, token]) => {
        const settings = stepInput(token, agentConfig(node));
        const input: PartTimeInput = { ...verbsOf(config, node, url), machine, server, settings };
        return JSON.stringify(input);
      });
    this.step = new LocalStep(
      `${name}-part-time`,
      {
        script: "components/local-part-time.ts",
        stdin,
        // nobody else tells when it is on: so each run has a look
        change: new Date().toISOString(),
        deadline: nodeDeadline + stepDeadline(config),
        secret: true,
        remove: "leave",
      },
      { parent: this, dependsOn: after },
    );
    this.registerOutputs({});
  }
}

/** What each verb is given. */
function verbsOf(
  config: ClusterConfig,
  node: NodeConfig,
  url: string,
): Omit<PartTimeInput, "machine" | "server" | "settings"> {
  const { name, address, role } = node;
  return {
    name,
    version: config.version,
    uploads: uploads(config),
    inspect: [
      ["name", name],
      ["role", role],
      ["address", address],
      ["version", config.version],
    ],
    fetch: [["name", name], ...releaseFlags(config), ["deadline", nodeDeadline]],
    agent: [...joinFlags(config, node, url), ["part-time", null]],
    remove: [...removeFlags(config, node), ["part-time", null]],
    forget: forgetFlags(node, "agent"),
    seconds: stepDeadline(config),
  };
}
