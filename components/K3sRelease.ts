import { remote } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { ClusterConfig, NodeConfig } from "../config/schema.ts";
import { type NodeAccess, NodeStep } from "./node-step.ts";
import { nodeDeadline, releaseFlags, uploads } from "./server-flags.ts";
import { componentType } from "./types.ts";

export interface K3sReleaseArgs {
  readonly config: ClusterConfig;
  readonly node: NodeConfig;
  readonly access: NodeAccess;
  /** What must be done before anything is written to this node. */
  readonly after: readonly pulumi.Resource[];
}

/**
 * The k3s release on one node: uploaded or downloaded, checked, and waiting beside its place, so
 * that the chain of servers does not wait for a download at each of them.
 */
export class K3sRelease extends pulumi.ComponentResource {
  readonly fetched: NodeStep;

  constructor(name: string, args: K3sReleaseArgs, opts?: pulumi.ComponentResourceOptions) {
    super(componentType("K3sRelease"), name, {}, opts);
    const { config, node, access, after } = args;
    const uploaded = uploads(config).map(
      ({ file, remotePath }) =>
        new remote.CopyToRemote(
          `${name}-upload-${remotePath.split("/").at(-1)}`,
          { connection: access.connection, source: new pulumi.asset.FileAsset(file), remotePath },
          { parent: this, dependsOn: [...after] },
        ),
    );
    this.fetched = new NodeStep(
      `${name}-fetch`,
      access,
      {
        verb: "fetch",
        flags: [["name", node.name], ...releaseFlags(config), ["deadline", nodeDeadline]],
        deadline: nodeDeadline,
      },
      { parent: this, dependsOn: [...after, ...uploaded] },
    );
    this.registerOutputs({});
  }
}
