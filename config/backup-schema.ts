import { z } from "zod";
import {
  bucketFolder,
  bucketName,
  cronSchedule,
  flag,
  localDirectory,
  oneOf,
  regionName,
  restoreId,
  s3Endpoint,
  snapshotPlace,
  whole,
} from "./grammar.ts";

/** An S3-compatible store; its keys are the secrets `s3AccessKey` and `s3SecretKey`. */
export const s3 = z.strictObject({
  endpoint: s3Endpoint.default("s3.amazonaws.com"),
  bucket: bucketName,
  region: regionName.default("us-east-1"),
  /** Default: the top of the bucket. */
  folder: bucketFolder.optional(),
  /** Talks http. */
  insecure: flag.default(false),
  /** Accepts any certificate. */
  skipVerify: flag.default(false),
});

/** Snapshots that k3s takes by itself on every server, and where snapshots go. Defaults of the first two are k3s' own. */
export const backup = z.strictObject({
  schedule: cronSchedule.default("0 */12 * * *"),
  /** How many scheduled snapshots each server keeps, and S3 for all servers together. */
  retention: whole(1, 1000).default(5),
  s3: s3.optional(),
  /** Snapshots on demand are also copied to this directory on the machine where Pulumi runs. */
  copyTo: localDirectory.optional(),
});

/**
 * Brings the whole cluster back to a snapshot, once for each `id`. Afterwards it may stay or be dropped: neither
 * changes anything. The server token that the snapshot was made with stands beside it (`<snapshot>.token`), is given
 * as the secret `restoreToken`, or is the cluster's own.
 */
export const restore = z.strictObject({
  /** A new id is a new restore. */
  id: restoreId,
  /**
   * `node`: kept on the first server. `file`: on the machine where Pulumi runs; it is uploaded. `s3`: in the store that
   * `backup.s3` names. Default: node.
   */
  from: oneOf(["node", "file", "s3"], "Say where the snapshot is.").default("node"),
  /** From `node` a name out of `snapshots`, or an absolute path there; from `file` a path; from `s3` a key below the folder. */
  snapshot: snapshotPlace,
});
