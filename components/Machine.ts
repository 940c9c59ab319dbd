import { remote } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { NodeFacts } from "../config/facts.ts";
import type { SshSecrets } from "../config/load.ts";
import type { ClusterConfig, MachineConfig } from "../config/schema.ts";
import { type Connection, connectionTo } from "./connection.ts";
import { type NodeAccess, NodeStep } from "./node-step.ts";
import { readFacts } from "./results.ts";
import { remoteDirectory, scriptsDirectory } from "./scripts.ts";
import { consentFlags } from "./server-flags.ts";
import { componentType } from "./types.ts";

/** What the way to a machine depends on. */
export interface AccessArgs {
  readonly node: MachineConfig;
  readonly ssh: ClusterConfig["ssh"];
  readonly secrets: SshSecrets;
  /** Content hash of the scripts in node/. */
  readonly scripts: string;
}

export interface MachineArgs {
  readonly node: MachineConfig;
  /** How later steps get there. */
  readonly access: NodeAccess;
  /** How ssh/ gets there, for steps on this machine. Secret. */
  readonly request: pulumi.Output<string>;
  /** The step that reached it. */
  readonly reached: pulumi.Resource;
  /** The release of the stack. */
  readonly version: string;
  /** The id of the stack's restore, when it has one. */
  readonly restore: string | undefined;
  /** Changes when the machine must be looked at again before the first step anywhere. */
  readonly change: string;
}

/** The way to a machine, whether or not anything answers there. */
export function accessTo({ node, ssh, secrets, scripts }: AccessArgs): NodeAccess {
  const connection = connectionTo(node, ssh, secrets);
  return { name: node.name, user: node.user, connection, scripts };
}

/** Seconds for looking at a node; it only reads. */
const inspectDeadline = 60;

/**
 * One machine that could be reached: it has the scripts, and is fit for its role. Changes nothing on it but the login
 * user's `.homelab-k3s` directory.
 */
export class Machine extends pulumi.ComponentResource {
  /** How later steps get there. */
  readonly access: NodeAccess;
  /** The step that looked at it. */
  readonly inspected: pulumi.Resource;
  /** What was found there. */
  readonly facts: pulumi.Output<NodeFacts>;
  /** How ssh/ gets there, for steps on this machine. Secret. */
  readonly request: pulumi.Output<string>;

  constructor(name: string, args: MachineArgs, opts?: pulumi.ComponentResourceOptions) {
    super(componentType("Machine"), name, {}, opts);
    const { node, access, request, reached, change } = args;
    this.access = access;
    this.request = request;
    const copy = this.copy(name, node, access.connection, reached);
    const inspect = new NodeStep(
      `${name}-inspect`,
      access,
      {
        verb: "inspect",
        flags: [
          ["name", node.name],
          ["role", node.role],
          ["address", node.address],
          ...(node.existing === undefined ? [] : [...consentFlags(node), ["version", args.version] as const]),
          ...(args.restore === undefined ? [] : [["restore", args.restore] as const]),
        ],
        change,
        deadline: inspectDeadline,
      },
      { parent: this, dependsOn: copy },
    );
    this.inspected = inspect;
    this.facts = pulumi.unsecret(inspect.stdout).apply((stdout) => readFacts(node.name, stdout));
    this.registerOutputs({ facts: this.facts });
  }

  private copy(
    name: string,
    node: MachineConfig,
    connection: Connection,
    reach: pulumi.Resource,
  ): remote.CopyToRemote {
    return new remote.CopyToRemote(
      `${name}-scripts`,
      {
        connection,
        source: new pulumi.asset.FileArchive(scriptsDirectory),
        remotePath: remoteDirectory,
        // The provider copies again only when the scripts change; another machine or another user has none of them.
        triggers: [node.hostKey, node.host, node.user],
      },
      { parent: this, dependsOn: reach },
    );
  }
}
