import { remote } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { NodeFacts } from "../config/facts.ts";
import type { SshSecrets } from "../config/load.ts";
import type { ClusterConfig, MachineConfig } from "../config/schema.ts";
import { type Connection, connectionTo, requestTo } from "./connection.ts";
import { LocalStep } from "./local-step.ts";
import { type NodeAccess, NodeStep } from "./node-step.ts";
import { readFacts } from "./results.ts";
import { remoteDirectory, scriptsDirectory } from "./scripts.ts";
import { consentFlags } from "./server-flags.ts";
import { componentType } from "./types.ts";

export interface MachineArgs {
  readonly node: MachineConfig;
  readonly ssh: ClusterConfig["ssh"];
  readonly secrets: SshSecrets;
  /** Other login names of the stack, so that a wrong one can be told from a wrong key. */
  readonly users: readonly string[];
  /** The release of the stack. */
  readonly version: string;
  /** The id of the stack's restore, when it has one. */
  readonly restore: string | undefined;
  /** Content hash of the scripts in node/. */
  readonly scripts: string;
  /** Changes when the machine must be looked at again before the first step anywhere. */
  readonly change: string;
}

/** The way to a machine, whether or not anything answers there. */
export function accessTo({ node, ssh, secrets, scripts }: MachineArgs): NodeAccess {
  const connection = connectionTo(node, ssh, secrets);
  return { name: node.name, user: node.user, connection, scripts };
}

/** Seconds for looking at a node; it only reads. */
const inspectDeadline = 60;

/** Seconds that a node may take to answer, a reboot included. */
const reachDeadline = 120;

/**
 * The way to one machine: it can be reached as the stack says, has the scripts, and is fit for its role. Changes
 * nothing on the machine but the login user's `.homelab-k3s` directory.
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
    const { node, change } = args;
    this.access = accessTo(args);

    this.request = pulumi.secret(reachRequest(args));
    const reached = this.reach(name, args);
    const copy = this.copy(name, node, this.access.connection, reached);
    const inspect = new NodeStep(
      `${name}-inspect`,
      this.access,
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

  /** Fails early, and says which of key, user, host, port or sudo is to blame. */
  private reach(name: string, args: MachineArgs): LocalStep {
    return new LocalStep(
      `${name}-reach`,
      {
        script: "ssh/reach.ts",
        stdin: this.request,
        change: args.change,
        deadline: reachDeadline,
        secret: true,
      },
      { parent: this },
    );
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

/** What ssh/reach.ts reads. */
function reachRequest({ node, ssh, secrets, users }: MachineArgs): pulumi.Output<string> {
  return pulumi
    .all([secrets.privateKey, secrets.passphrase])
    .apply(([privateKey, passphrase]) =>
      JSON.stringify(requestTo(node, ssh, { privateKey, passphrase }, users)),
    );
}
