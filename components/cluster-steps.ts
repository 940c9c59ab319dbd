import * as pulumi from "@pulumi/pulumi";
import { type Backups, backupsOf, backupWarnings } from "../config/backups.ts";
import type { S3Secrets } from "../config/load.ts";
import { serverUrl } from "../config/render.ts";
import { firstServer, living } from "../config/roster.ts";
import { longestGap } from "../config/schedule.ts";
import type { ClusterConfig, NodeConfig } from "../config/schema.ts";
import { anyChange, backupChange } from "./change.ts";
import { type NodeAccess, NodeStep } from "./node-step.ts";
import { readBackups, readIdentity, readKubeconfig, serverJoinToken } from "./results.ts";
import { keyRotations } from "./server-flags.ts";

/** Seconds for reading something of a server. */
const readDeadline = 60;

/** Seconds within which all nodes must be Ready and all servers voters. */
const verifyDeadline = 300;

/** A restore may bring back another token and other keys. */
const afterRestore = ({ restore }: ClusterConfig): string[] => (restore ? [`restore ${restore.id}`] : []);

/** The admin kubeconfig with the server's own address: that answers before the endpoint does. Secret. */
export function kubeconfigOf(
  name: string,
  access: NodeAccess,
  config: ClusterConfig,
  opts: pulumi.CustomResourceOptions,
): pulumi.Output<string> {
  const url = serverUrl(firstServer(config).address);
  // Its certificate expires after a year and is renewed when k3s restarts: an upgrade is when it is read again, and
  // a rotation of the certificates.
  const { version, rotate } = config;
  const rotated = rotate.certificates > 0 ? [`certificates ${rotate.certificates}`] : [];
  const change = [version, ...rotated, ...afterRestore(config)].join(" ");
  const args = { verb: "kubeconfig", flags: [["server", url]] as const, change, deadline: readDeadline };
  const step = new NodeStep(name, access, args, opts);
  return pulumi.secret(step.answer((stdout) => readKubeconfig(access.name, url, stdout)));
}

/** Where the cluster is joined and with which token: what others chain on. */
export interface JoinPoint {
  readonly url: pulumi.Output<string>;
  /** The secure token (`K10...::server:...`), which carries the hash of the cluster's CA. Secret. */
  readonly token: pulumi.Output<string>;
  /** The step that asked for them. */
  readonly step: pulumi.Resource;
}

/**
 * Asks the first server once it votes. A resource of its own, since its answer stays the same when that server's
 * settings change: a preview then shows one changed server, and not everything that was chained on its output.
 * @param rotated the servers' password, once it was rotated: what the server said of the CA stays true, and with the
 *   new password it is the new token. Until then its own token counts, whoever chose that.
 */
export function joinPointOf(
  name: string,
  access: NodeAccess,
  config: ClusterConfig,
  rotated: pulumi.Output<string> | undefined,
  opts: pulumi.CustomResourceOptions,
): JoinPoint {
  const node = firstServer(config);
  const [change] = afterRestore(config);
  const flags = [
    ["name", node.name],
    ["address", node.address],
  ] as const;
  const args = { verb: "identity", flags, deadline: readDeadline, ...(change && { change }) };
  const step = new NodeStep(name, access, args, opts);
  const identity = step.answer((stdout) => readIdentity(node.name, node.address, stdout));
  const token = pulumi
    .all([identity.token, rotated])
    .apply(([own, password]) => (password === undefined ? own : serverJoinToken(own, password)));
  return { url: pulumi.unsecret(identity.url), token: pulumi.secret(token), step };
}

/** Asks the cluster, not the nodes: these servers vote, no learner, no alarm, every Node Ready. */
export function verifyStep(
  name: string,
  access: NodeAccess,
  config: ClusterConfig,
  opts: pulumi.CustomResourceOptions,
): NodeStep {
  const names = (nodes: readonly NodeConfig[]) =>
    living(nodes)
      .map((node) => node.name)
      .sort()
      .join(",");
  const agents = names(config.agents);
  return new NodeStep(
    name,
    access,
    {
      verb: "verify",
      flags: [
        ["server", names(config.servers)],
        ...(agents ? [["agent", agents] as const] : []),
        ...keyRotations(config),
        ["deadline", verifyDeadline],
      ],
      change: anyChange(config),
      deadline: verifyDeadline,
    },
    opts,
  );
}

/** Standard input of a step that asks about S3: it is asked again when the keys change. Secret. */
export function s3Input(secrets: S3Secrets | undefined): pulumi.Output<string> | undefined {
  return secrets && pulumi.secret(pulumi.interpolate`${secrets.accessKey}\n${secrets.secretKey}\n`);
}

/**
 * Asks a server how old the newest snapshots are, and warns when they are too old or S3 does not answer. That fails
 * nothing: whoever mends a cluster without backups must be able to.
 */
export function backupsStep(
  name: string,
  access: NodeAccess,
  config: ClusterConfig,
  s3: pulumi.Output<string> | undefined,
  opts: pulumi.CustomResourceOptions & { readonly parent: pulumi.Resource },
): pulumi.Output<Backups> {
  const flags = [["name", access.name] as const, ...(s3 ? [["s3", null] as const] : [])];
  const step = new NodeStep(
    name,
    access,
    {
      verb: "backups",
      flags,
      change: backupChange(config),
      ...(s3 && { stdin: s3 }),
      deadline: readDeadline * 5,
    },
    opts,
  );
  return pulumi.unsecret(step.answer((stdout) => readBackups(access.name, stdout))).apply(async (report) => {
    const interval = longestGap(config.backup.schedule) ?? 0;
    for (const warning of backupWarnings(report, interval, s3 !== undefined)) {
      await pulumi.log.warn(warning, opts.parent);
    }
    return backupsOf(report);
  });
}
