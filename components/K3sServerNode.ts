import * as pulumi from "@pulumi/pulumi";
import type { S3Secrets } from "../config/load.ts";
import { serverConfig, stepInput } from "../config/render.ts";
import type { ClusterConfig, NodeConfig } from "../config/schema.ts";
import type { Flag } from "./command-line.ts";
import { untouched } from "./lost.ts";
import { type NodeAccess, NodeStep } from "./node-step.ts";
import { readExpiry } from "./results.ts";
import {
  binaryFlags,
  consentFlags,
  peerFlags,
  removeFlags,
  replacingFlags,
  serverRotations,
  stepDeadline,
} from "./server-flags.ts";
import { componentType } from "./types.ts";

/** How a server gets into a cluster; it matters only until it is a member. */
export type ServerEntry =
  /** The first of the list: founds the cluster when no peer has one, and joins the peers otherwise. */
  | { readonly founds: true; readonly token: pulumi.Output<string> }
  /** Joins the server at `url` with the secure token. */
  | { readonly founds: false; readonly token: pulumi.Output<string>; readonly url: pulumi.Output<string> };

export interface K3sServerNodeArgs {
  readonly config: ClusterConfig;
  readonly node: NodeConfig;
  readonly access: NodeAccess;
  readonly entry: ServerEntry;
  /** The password that agents join with. */
  readonly agentToken: pulumi.Output<string>;
  /** The keys of the S3 store, when there is one. */
  readonly s3?: S3Secrets;
  /** What must be done before this server is touched: the preflight or the server before it, and its release. */
  readonly before: readonly pulumi.Resource[];
}

/** One k3s server with embedded etcd. Done when etcd itself counts it as a voter. */
export class K3sServerNode extends pulumi.ComponentResource {
  /** The step on the node; what comes later depends on it. */
  readonly step: pulumi.Resource;
  /** The node's name. */
  readonly name: string;
  /** When the first of its certificates ends, ISO 8601, as the last run that changed the server saw it. */
  readonly expires: pulumi.Output<string>;

  constructor(name: string, args: K3sServerNodeArgs, opts?: pulumi.ComponentResourceOptions) {
    // An agent that becomes a server stays the same resource, so that it is changed and never removed and made anew.
    const aliases = [{ type: componentType("K3sAgentNode") }];
    super(componentType("K3sServerNode"), name, {}, pulumi.mergeOptions(opts, { aliases }));
    const { config, node, access, entry } = args;
    const stdin = pulumi
      .all([entry.token, args.agentToken, pulumi.output(args.s3)])
      .apply(([token, agentToken, s3]) => stepInput(token, serverConfig(config, node, agentToken, s3)));
    const join: pulumi.Output<Flag[]> = entry.founds
      ? pulumi.output<Flag[]>([])
      : entry.url.apply((url): Flag[] => [["join", url]]);
    const step = new NodeStep(
      `${name}-k3s`,
      access,
      {
        verb: "server",
        flags: join.apply((flags): Flag[] => [
          ...binaryFlags(config, node),
          ...peerFlags(config, node),
          ...flags,
          ...serverRotations(config, node),
        ]),
        // Only Pulumi's create may found a cluster: a wiped server that is merely updated must join.
        createFlags: [
          ...(entry.founds ? [["found", null] as const] : []),
          ...consentFlags(node),
          ...replacingFlags(config, node),
        ],
        remove: { verb: "remove", flags: removeFlags(config, node) },
        stdin,
        deadline: stepDeadline(config),
      },
      { parent: this, dependsOn: [...args.before], protect: node.protect, ...(node.lost && untouched) },
    );
    this.step = step;
    this.name = node.name;
    this.expires = pulumi.unsecret(step.answer((stdout) => readExpiry(node.name, stdout)));
    this.registerOutputs({});
  }
}
