import { remote } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { serverConfig, stepInput } from "../config/render.ts";
import type { ClusterConfig, NodeConfig, RestoreConfig } from "../config/schema.ts";
import type { Flag } from "./command-line.ts";
import { type NodeAccess, NodeStep } from "./node-step.ts";
import { remoteDirectory } from "./scripts.ts";
import { binaryFlags, nodeDeadline, peerFlags } from "./server-flags.ts";
import { componentType } from "./types.ts";

export interface EtcdRestoreArgs {
  readonly config: ClusterConfig;
  readonly restore: RestoreConfig;
  readonly accessOf: (node: NodeConfig) => NodeAccess;
  /** `NAME=MACHINE-ID` of every machine that has one: Nodes that the snapshot knows from other machines are cleared. */
  readonly machines: pulumi.Output<readonly string[]>;
  /** The token that the snapshot was made with, where none lies beside it. */
  readonly token: pulumi.Output<string>;
  /** The password that agents join with. */
  readonly agentToken: pulumi.Output<string>;
  /** What must be done before anything is stopped: every machine is fit, and has its release. */
  readonly ready: readonly pulumi.Resource[];
}

/** Seconds for reading a snapshot, and for stopping a server. */
const checkDeadline = 300;
const haltDeadline = 300;

/**
 * The cluster goes back to a snapshot: it is checked on the first server, then all other servers are stopped, then the
 * first server alone takes the snapshot's data. The servers' own steps come after it, and find what to do by themselves.
 *
 * Resources carry the restore's id, so that a new id makes new ones. Only their create may begin anything: an update,
 * for example with new scripts, goes on with what was begun on that node (`--again`) and never begins it.
 */
export class EtcdRestore extends pulumi.ComponentResource {
  /** The first server runs with the snapshot's data. */
  readonly restored: pulumi.Resource;

  constructor(name: string, args: EtcdRestoreArgs, opts?: pulumi.ComponentResourceOptions) {
    super(componentType("EtcdRestore"), name, {}, opts);
    const { config, restore, accessOf } = args;
    const [first, ...others] = config.servers as [NodeConfig, ...NodeConfig[]];
    const uploaded = restore.from === "file" ? [this.upload(name, accessOf(first), args)] : [];
    const place = restore.from === "file" ? uploadPath(restore) : restore.snapshot;
    const checked = this.check(name, place, first, args, uploaded);
    const halted = others.map((node) => this.halt(`${name}-halt-${node.name}`, node, args, checked));
    this.restored = this.run(name, place, first, args, [checked, ...halted]);
    this.registerOutputs({});
  }

  private upload(name: string, access: NodeAccess, { restore, ready }: EtcdRestoreArgs): pulumi.Resource {
    const source = new pulumi.asset.FileAsset(restore.snapshot);
    const args = { connection: access.connection, source, remotePath: uploadPath(restore) };
    return new remote.CopyToRemote(`${name}-upload`, args, { parent: this, dependsOn: [...ready] });
  }

  private check(
    name: string,
    place: string,
    node: NodeConfig,
    { config, restore, accessOf, token, ready }: EtcdRestoreArgs,
    uploaded: readonly pulumi.Resource[],
  ): NodeStep {
    const flags: Flag[] = [
      ["id", restore.id],
      ["name", node.name],
      ["address", node.address],
      ["version", config.version],
      ["snapshot", place],
    ];
    return new NodeStep(
      `${name}-check`,
      accessOf(node),
      {
        verb: "restore-check",
        flags,
        update: { verb: "restore-check", flags: [...flags, again] },
        stdin: token.apply((text) => stepInput(text, "")),
        deadline: checkDeadline,
      },
      { parent: this, dependsOn: [...ready, ...uploaded] },
    );
  }

  private halt(name: string, node: NodeConfig, args: EtcdRestoreArgs, checked: pulumi.Resource): NodeStep {
    const flags: Flag[] = [
      ["id", args.restore.id],
      ["name", node.name],
      ["deadline", haltDeadline],
    ];
    return new NodeStep(
      name,
      args.accessOf(node),
      { verb: "halt", flags, update: { verb: "halt", flags: [...flags, again] }, deadline: haltDeadline },
      { parent: this, dependsOn: [checked] },
    );
  }

  private run(
    name: string,
    place: string,
    node: NodeConfig,
    { config, restore, accessOf, machines, token, agentToken }: EtcdRestoreArgs,
    before: readonly pulumi.Resource[],
  ): NodeStep {
    const { restore: _, ...given } = config;
    const flags = machines.apply((ids): Flag[] => [
      ["id", restore.id],
      ...binaryFlags(given, node),
      ["snapshot", place],
      ...peerFlags(config, node),
      ...ids.map((id): Flag => ["node", id]),
      ["deadline", nodeDeadline],
    ]);
    const stdin = pulumi
      .all([token, agentToken])
      .apply(([text, agents]) => stepInput(text, serverConfig(config, node, agents)));
    return new NodeStep(
      `${name}-run`,
      accessOf(node),
      {
        verb: "restore",
        flags,
        update: { verb: "restore", flags: flags.apply((list) => [...list, again]) },
        stdin,
        deadline: nodeDeadline,
      },
      { parent: this, dependsOn: [...before] },
    );
  }
}

const again: Flag = ["again", null];

/** Where a snapshot from here is put on the first server, below the login user's home. */
const uploadPath = ({ id }: RestoreConfig): string => `${remoteDirectory}/restore-${id}`;
