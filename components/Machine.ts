import { remote } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { SshSecrets } from "../config/load.ts";
import type { ClusterConfig, MachineConfig } from "../config/schema.ts";
import { connectionTo } from "./connection.ts";
import type { NodeAccess } from "./node-step.ts";
import { remoteDirectory, scriptsDirectory } from "./scripts.ts";
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
  /** The gate before anything is written to a machine. */
  readonly passed: pulumi.Resource;
}

/** The way to a machine, whether or not anything answers there. */
export function accessTo({ node, ssh, secrets, scripts }: AccessArgs): NodeAccess {
  const connection = connectionTo(node, ssh, secrets);
  return { name: node.name, user: node.user, connection, scripts };
}

/** One machine that passed the preflight, and has the scripts: in the login user's `.homelab-k3s` directory. */
export class Machine extends pulumi.ComponentResource {
  /** How later steps get there. */
  readonly access: NodeAccess;
  /** How ssh/ gets there, for steps on this machine. Secret. */
  readonly request: pulumi.Output<string>;
  /** The step that put the scripts in place. */
  readonly placed: pulumi.Resource;

  constructor(name: string, args: MachineArgs, opts?: pulumi.ComponentResourceOptions) {
    super(componentType("Machine"), name, {}, opts);
    const { node, access, request, passed } = args;
    this.access = access;
    this.request = request;
    this.placed = new remote.CopyToRemote(
      `${name}-scripts`,
      {
        connection: access.connection,
        source: new pulumi.asset.FileArchive(scriptsDirectory),
        remotePath: remoteDirectory,
        // The provider copies again only when the scripts change; another machine or another user has none of them.
        triggers: [node.hostKey, node.host, node.user],
      },
      { parent: this, dependsOn: passed },
    );
    this.registerOutputs({});
  }
}
