import { isAbsolute, join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import type { Flag } from "./command-line.ts";
import { LocalStep } from "./local-step.ts";
import { type NodeAccess, NodeStep } from "./node-step.ts";
import { projectRoot } from "./scripts.ts";
import { type CopyInput, isMissing } from "./snapshot-copies.ts";
import { componentType } from "./types.ts";

export interface EtcdSnapshotArgs {
  /** The snapshot's name. */
  readonly snapshot: string;
  /** The server that saves it and keeps it. */
  readonly access: NodeAccess;
  /** The keys of the S3 store, as a `backups` step wants them; absent without S3. */
  readonly s3?: pulumi.Output<string>;
  /** Where it is copied to on this machine, and how the server is reached for that. */
  readonly copy?: { readonly directory: string; readonly request: pulumi.Output<string> };
  readonly after: readonly pulumi.Resource[];
}

/** Seconds for saving, hashing and listing a snapshot; S3 may need them all. */
const deadline = 600;

/**
 * One etcd snapshot on demand, with the server token sealed beside it: restoring needs both. It is saved once; an
 * update verifies that it is still there and whole, here and in S3, and never saves another state under the same name.
 * A copy on this machine is its owner's: it stays when the snapshot goes.
 */
export class EtcdSnapshot extends pulumi.ComponentResource {
  /** File, size, sha256 and time, as the node reported them. */
  readonly report: pulumi.Output<string>;
  /** What comes after the snapshot waits for these. */
  readonly steps: readonly pulumi.Resource[];

  constructor(name: string, args: EtcdSnapshotArgs, opts?: pulumi.ComponentResourceOptions) {
    super(componentType("EtcdSnapshot"), name, {}, opts);
    const { snapshot, s3, copy } = args;
    const named: readonly Flag[] = [["name", snapshot]];
    const kept: readonly Flag[] = s3 ? [...named, ["s3", null]] : named;
    const save = new NodeStep(
      `${name}-save`,
      args.access,
      {
        verb: "snapshot-save",
        flags: [...kept, ["keep-token", null]],
        update: { verb: "snapshot-verify", flags: kept },
        remove: { verb: "snapshot-delete", flags: named },
        // Other keys are other inputs: the copy in S3 is then looked for with them.
        ...(s3 && { stdin: s3 }),
        deadline,
      },
      { parent: this, dependsOn: [...args.after] },
    );
    this.report = pulumi.unsecret(save.stdout).apply(async (report) => {
      if (isMissing(report)) await pulumi.log.warn(missingText(args.access.name, snapshot), this);
      return report;
    });
    this.steps = copy ? [save, this.copied(name, snapshot, copy)] : [save];
    this.registerOutputs({ report: this.report });
  }

  private copied(
    name: string,
    snapshot: string,
    { directory, request }: NonNullable<EtcdSnapshotArgs["copy"]>,
  ): LocalStep {
    const stdin = pulumi.all([request, this.report]).apply(([request, report]) => {
      const input: CopyInput = { request, report, directory: copyDirectory(directory) };
      return JSON.stringify(input);
    });
    const args = { script: "components/snapshot-copy.ts", stdin, change: snapshot, deadline, secret: true };
    return new LocalStep(`${name}-copy`, args, { parent: this });
  }
}

const missingText = (node: string, snapshot: string) =>
  `${node} has no snapshot ${snapshot}: it was saved on another server, or deleted there. A copy may be in S3 or in ` +
  "backup.copyTo. Give it a new name under `snapshots` to take another, or remove its name.";

/** Each stack has a directory of its own, so that one place can take the copies of several. */
function copyDirectory(directory: string): string {
  const root = isAbsolute(directory) ? directory : join(projectRoot, directory);
  return join(root, pulumi.getStack());
}
