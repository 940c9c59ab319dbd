import * as pulumi from "@pulumi/pulumi";
import { type NodeAccess, NodeStep } from "./node-step.ts";
import { componentType } from "./types.ts";

export interface EtcdSnapshotArgs {
  /** The snapshot's name. */
  readonly snapshot: string;
  /** The server that saves it and keeps it. */
  readonly access: NodeAccess;
  readonly after: readonly pulumi.Resource[];
}

/** Seconds for saving, hashing and listing a snapshot. */
const deadline = 300;

/**
 * One etcd snapshot on demand, with the server token sealed beside it: restoring needs both. It is saved once; an
 * update verifies that it is still there and whole, and never saves another state under the same name.
 */
export class EtcdSnapshot extends pulumi.ComponentResource {
  /** File, size, sha256 and time, as the node reported them. */
  readonly report: pulumi.Output<string>;

  constructor(name: string, args: EtcdSnapshotArgs, opts?: pulumi.ComponentResourceOptions) {
    super(componentType("EtcdSnapshot"), name, {}, opts);
    const flags = [["name", args.snapshot]] as const;
    const step = new NodeStep(
      `${name}-save`,
      args.access,
      {
        verb: "snapshot-save",
        flags: [...flags, ["keep-token", null]],
        update: { verb: "snapshot-verify", flags },
        remove: { verb: "snapshot-delete", flags },
        deadline,
      },
      { parent: this, dependsOn: [...args.after] },
    );
    this.report = pulumi.unsecret(step.stdout);
    this.registerOutputs({ report: this.report });
  }
}
