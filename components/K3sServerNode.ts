import * as pulumi from "@pulumi/pulumi";
import { serverConfig, stepInput } from "../config/render.ts";
import type { ClusterConfig, NodeConfig } from "../config/schema.ts";
import type { Flag } from "./command-line.ts";
import { type NodeAccess, NodeStep } from "./node-step.ts";
import { readServer } from "./results.ts";
import { binaryFlags, nodeDeadline, peerFlags, removeFlags } from "./server-flags.ts";
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
  /** What must be done before this server is touched: the preflight, or the server before it. */
  readonly after: readonly pulumi.Resource[];
}

/** One k3s server with embedded etcd. Done when etcd itself counts it as a voter. */
export class K3sServerNode extends pulumi.ComponentResource {
  readonly nodeName: string;
  /** The step on the node; what comes later depends on it. */
  readonly step: pulumi.Resource;
  /** Where its API answers. */
  readonly url: pulumi.Output<string>;
  /** The secure token (`K10...::server:...`), which carries the hash of the cluster's CA. Secret. */
  readonly token: pulumi.Output<string>;

  constructor(name: string, args: K3sServerNodeArgs, opts?: pulumi.ComponentResourceOptions) {
    super(componentType("K3sServerNode"), name, {}, opts);
    const { config, node, access, entry } = args;
    const stdin = pulumi
      .all([entry.token, args.agentToken])
      .apply(([token, agentToken]) => stepInput(token, serverConfig(config, node, agentToken)));
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
          ["deadline", nodeDeadline],
        ]),
        // Only Pulumi's create may found a cluster: a wiped server that is merely updated must join.
        ...(entry.founds && { createFlags: [["found", null] as const] }),
        remove: { verb: "remove", flags: removeFlags(config, node) },
        stdin,
        deadline: nodeDeadline,
      },
      { parent: this, dependsOn: [...args.after], protect: node.protect },
    );
    const result = step.stdout.apply((stdout) => readServer(node.name, node.address, stdout));
    this.nodeName = node.name;
    this.step = step;
    this.url = pulumi.unsecret(result.url);
    this.token = pulumi.secret(result.token);
    this.registerOutputs({ url: this.url, token: this.token });
  }
}
