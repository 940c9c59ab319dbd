import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { remote } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { NodeFacts } from "../config/facts.ts";
import type { S3Secrets } from "../config/load.ts";
import { serverConfig, stepInput } from "../config/render.ts";
import { firstServer, living } from "../config/roster.ts";
import type { ClusterConfig, NodeConfig, RestoreConfig } from "../config/schema.ts";
import type { ClusterTokens } from "./ClusterTokens.ts";
import type { Flag } from "./command-line.ts";
import { LocalStep } from "./local-step.ts";
import type { Machine } from "./Machine.ts";
import { type NodeAccess, NodeStep } from "./node-step.ts";
import type { DownloadInput } from "./restore-download.ts";
import { projectRoot, remoteDirectory } from "./scripts.ts";
import { nodeDeadline, peerFlags, releaseFlags } from "./server-flags.ts";
import { componentType } from "./types.ts";

export interface EtcdRestoreArgs {
  readonly config: ClusterConfig;
  readonly restore: RestoreConfig;
  /** Every machine of the stack, by name. */
  readonly machines: ReadonlyMap<string, Machine>;
  /** What was found on each of them. */
  readonly facts: pulumi.Output<readonly NodeFacts[]>;
  /** The stack's own tokens: the snapshot's, unless it is an older or another one. */
  readonly tokens: ClusterTokens;
  /** The server token that the snapshot was made with, where it is given. */
  readonly token?: pulumi.Output<string>;
  /** The keys of the S3 store, when there is one: they stand in the server's settings. */
  readonly s3?: S3Secrets;
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

  private readonly args: EtcdRestoreArgs;
  /** Where the first server finds the snapshot. */
  private readonly place: string;
  private readonly token: pulumi.Output<string>;

  constructor(name: string, args: EtcdRestoreArgs, opts?: pulumi.ComponentResourceOptions) {
    super(componentType("EtcdRestore"), name, {}, opts);
    const { config, restore, tokens } = args;
    this.args = args;
    this.place = restore.from === "node" ? restore.snapshot : broughtPath(restore);
    this.token = args.token ?? tokenBeside(restore) ?? tokens.server;
    const first = firstServer(config);
    const others = living(config.servers).filter((server) => server !== first);
    const checked = this.check(name, first, this.brought(name, first));
    const halted = others.map((node) => this.halt(`${name}-halt-${node.name}`, node, checked));
    this.restored = this.run(name, first, [checked, ...halted]);
    this.registerOutputs({});
  }

  private access(node: NodeConfig): NodeAccess {
    return this.args.machines.get(node.name)!.access;
  }

  /** The snapshot comes to the first server, where it is not there already. */
  private brought(name: string, node: NodeConfig): pulumi.Resource[] {
    switch (this.args.restore.from) {
      case "node":
        return [];
      case "file":
        return [this.upload(name, node)];
      case "s3":
        return [this.download(name, node)];
    }
  }

  private upload(name: string, node: NodeConfig): pulumi.Resource {
    const { restore, ready } = this.args;
    const source = new pulumi.asset.FileAsset(resolve(projectRoot, restore.snapshot));
    const { connection } = this.access(node);
    const args = { connection, source, remotePath: broughtPath(restore) };
    return new remote.CopyToRemote(`${name}-upload`, args, { parent: this, dependsOn: [...ready] });
  }

  private download(name: string, node: NodeConfig): pulumi.Resource {
    const { config, restore, machines, s3, ready } = this.args;
    const { request } = machines.get(node.name)!;
    const stdin = pulumi.all([request, pulumi.output(s3)]).apply(([to, keys]) => {
      const object = { store: config.backup!.s3!, name: restore.snapshot, ...keys! };
      const input: DownloadInput = { request: to, object, path: broughtPath(restore) };
      return JSON.stringify(input);
    });
    return new LocalStep(
      `${name}-download`,
      {
        script: "components/restore-download.ts",
        stdin,
        change: restore.id,
        deadline: nodeDeadline,
        secret: true,
      },
      { parent: this, dependsOn: [...ready] },
    );
  }

  private check(name: string, node: NodeConfig, uploaded: readonly pulumi.Resource[]): NodeStep {
    const { config, restore, ready } = this.args;
    const flags: Flag[] = [
      ["id", restore.id],
      ["name", node.name],
      ["address", node.address],
      ["version", config.version],
      ["snapshot", this.place],
    ];
    return new NodeStep(
      `${name}-check`,
      this.access(node),
      {
        verb: "restore-check",
        flags,
        update: { verb: "restore-check", flags: [...flags, again] },
        stdin: this.token.apply((token) => stepInput(token, "")),
        deadline: checkDeadline,
      },
      { parent: this, dependsOn: [...ready, ...uploaded] },
    );
  }

  private halt(name: string, node: NodeConfig, checked: pulumi.Resource): NodeStep {
    const flags: Flag[] = [
      ["id", this.args.restore.id],
      ["name", node.name],
      ["deadline", haltDeadline],
    ];
    const update = { verb: "halt", flags: [...flags, again] };
    const step = { verb: "halt", flags, update, deadline: haltDeadline };
    return new NodeStep(name, this.access(node), step, { parent: this, dependsOn: [checked] });
  }

  private run(name: string, node: NodeConfig, before: readonly pulumi.Resource[]): NodeStep {
    const { config, restore, tokens, s3 } = this.args;
    const flags = this.machineFlags().apply((machines): Flag[] => [
      ["id", restore.id],
      ["name", node.name],
      ["address", node.address],
      ...releaseFlags(config),
      ["snapshot", this.place],
      ...peerFlags(config, node),
      ...machines,
      ["deadline", nodeDeadline],
    ]);
    return new NodeStep(
      `${name}-run`,
      this.access(node),
      {
        verb: "restore",
        flags,
        update: { verb: "restore", flags: flags.apply((list) => [...list, again]) },
        stdin: pulumi
          .all([this.token, tokens.agent, pulumi.output(s3)])
          .apply(([token, agentToken, keys]) =>
            stepInput(token, serverConfig(config, node, agentToken, keys)),
          ),
        deadline: nodeDeadline,
      },
      { parent: this, dependsOn: [...before] },
    );
  }

  /** `NAME=MACHINE-ID` of every machine that has one: Nodes that the snapshot knows from other machines are cleared. */
  private machineFlags(): pulumi.Output<Flag[]> {
    return this.args.facts.apply((all) =>
      all.flatMap(({ node, machineId }): Flag[] =>
        machineId === null ? [] : [["node", `${node}=${machineId}`]],
      ),
    );
  }
}

/** The token that stands beside a copy of a snapshot on this machine. */
function tokenBeside({ from, snapshot }: RestoreConfig): pulumi.Output<string> | undefined {
  const file = resolve(projectRoot, `${snapshot}.token`);
  if (from !== "file" || !existsSync(file)) return undefined;
  return pulumi.secret(readFileSync(file, "utf8").trim());
}

const again: Flag = ["again", null];

/** Where a snapshot from elsewhere is put on the first server, below the login user's home. */
const broughtPath = ({ id }: RestoreConfig): string => `${remoteDirectory}/restore-${id}`;
