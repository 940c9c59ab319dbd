import { z } from "zod";
import { backup, restore, s3 } from "./backup-schema.ts";
import { balancer, endpoint, haproxy, keepalived, kubeVip, lease } from "./endpoint.ts";
import {
  flag,
  host,
  imageArchive,
  localFile,
  login,
  mirror,
  oneOf,
  sha256,
  snapshotName,
  text,
  whole,
} from "./grammar.ts";
import { hostKey } from "./host-key.ts";
import { k3s } from "./k3s-schema.ts";
import { limits } from "./limits.ts";
import { node } from "./node-schema.ts";
import { podFailover } from "./pod-failover.ts";
import { officialMirror } from "./releases.ts";
import { timings } from "./timing.ts";
import { exactVersion } from "./version.ts";

const hop = {
  user: login.default("root"),
  port: whole(1, 65535).default(22),
};

const bastion = z.strictObject({ ...hop, host, hostKey });

const ssh = z.strictObject({ ...hop, bastion: bastion.optional() });

const version = text(
  exactVersion,
  "an exact release such as v1.34.2+k3s1",
  "Channels and minors move by themselves; write the release you tested.",
);

/** How often something was rotated: raising it by one rotates once, and it is never lowered. */
const rotations = whole(0, 999).default(0);

const rotate = z.strictObject({
  /** The password that servers join with. */
  serverToken: rotations,
  /** The password that agents join with. */
  agentToken: rotations,
  /** The certificates of every node, servers first. The CAs stay. */
  certificates: rotations,
  /** The keys that encrypt Secrets in etcd. */
  encryptionKeys: rotations,
});

/** How etcd is run; equal on all servers. */
const etcd = z.strictObject({
  /** How patient its members are with each other: `lan-ssd`, `default` (k3s' own) or `slow-disk`; see timing.ts. */
  timing: oneOf(timings, "docs/failover.md says which.").default("default"),
});

const download = z.strictObject({ mirror: mirror.default(officialMirror) });

const artifacts = z.strictObject({ binary: localFile, images: imageArchive.optional() });

/** Files on the machine where Pulumi runs, for nodes that reach no mirror. */
const upload = z.strictObject({ amd64: artifacts.optional(), arm64: artifacts.optional() });

const checksums = z.strictObject({ amd64: sha256.optional(), arm64: sha256.optional() });

/** The stack's configuration without its secrets. Unknown keys are refused everywhere. */
export const clusterSchema = z.strictObject({
  /** The k3s release on every node. */
  version,
  endpoint,
  /** Servers in the order in which they join; the first founds the cluster. */
  servers: z.array(node),
  agents: z.array(node).default([]),
  /** Whether pods stay off the servers, but for those that tolerate it. */
  controlPlaneTaint: flag.default(false),
  /** How many agents are worked on at the same time. */
  agentsParallel: whole(1, 32).default(4),
  /** Seconds in which a node's pods must have left it before its kubelet gets another minor version. */
  drainDeadline: whole(1, 3600).default(300),
  ssh: ssh.prefault({}),
  k3s: k3s.prefault({}),
  etcd: etcd.prefault({}),
  /** How soon pods of a node that went silent run elsewhere; see pod-failover.ts. */
  podFailover: podFailover.prefault({}),
  /** Names and addresses beside the endpoint and the servers that the API's certificate must carry. */
  tlsSans: z.array(host).default([]),
  /** Counters of rotations. */
  rotate: rotate.prefault({}),
  download: download.prefault({}),
  /** Copies the release to the nodes instead; `download` is then not used. */
  upload: upload.optional(),
  /** sha256 of the k3s binary for `version`, for releases that are not pinned in config/releases.ts. */
  checksums: checksums.optional(),
  /** On-demand etcd snapshots, by name. */
  snapshots: z.array(snapshotName).default([]),
  restore: restore.optional(),
  backup: backup.prefault({}),
  /** What is asked of machines and network. */
  limits: limits.prefault({}),
  /** Whether Pulumi refuses to delete servers and tokens. */
  protect: flag.default(true),
});

type Parsed = z.output<typeof clusterSchema>;

/** A machine that the program logs in to, with all defaults filled in. */
export interface MachineConfig {
  readonly name: string;
  readonly role: "server" | "agent" | "balancer";
  readonly host: string;
  readonly address: string;
  readonly hostKey: string;
  readonly user: string;
  readonly port: number;
  /** Whether it is gone for good, and is never logged in to. */
  readonly lost: boolean;
  /** What may be done with a k3s that somebody else installed there. */
  readonly existing?: Parsed["servers"][number]["existing"];
}

/** A machine of the cluster with all defaults filled in. */
export type NodeConfig = Omit<Parsed["servers"][number], keyof MachineConfig | "protect"> &
  MachineConfig & {
    readonly role: "server" | "agent";
    readonly protect: boolean;
  };

/** The whole configuration, checked, with all defaults filled in. */
export type ClusterConfig = Omit<Parsed, "servers" | "agents"> & {
  /** The machines that run HAProxy; none with another endpoint. */
  readonly balancers: readonly MachineConfig[];
  readonly servers: readonly NodeConfig[];
  /** The agents that are there all the time. */
  readonly agents: readonly NodeConfig[];
  /** The agents that come and go. */
  readonly partTimeAgents: readonly NodeConfig[];
};

export type EndpointConfig = ClusterConfig["endpoint"];
export type KubeVipConfig = Extract<EndpointConfig, { provider: "kube-vip" }>;
export type RestoreConfig = NonNullable<ClusterConfig["restore"]>;
export type KeepalivedConfig = Extract<EndpointConfig, { provider: "keepalived" }>;
export type HaproxyConfig = Extract<EndpointConfig, { provider: "haproxy" }>;
export type ParsedConfig = Parsed;
export type ParsedNode = Parsed["servers"][number];

/** Keys that hold secrets; they must be set with `pulumi config set --secret`. */
export const secretKeys = [
  "sshPrivateKey",
  "sshPrivateKeyPassphrase",
  "restoreToken",
  "s3AccessKey",
  "s3SecretKey",
] as const;

const shapes: Readonly<Record<string, object>> = {
  "": { ...clusterSchema.shape, ...Object.fromEntries(secretKeys.map((key) => [key, key])) },
  servers: node.shape,
  agents: node.shape,
  endpoint: { ...kubeVip.shape, ...haproxy.shape, ...keepalived.shape },
  "endpoint.balancers": balancer.shape,
  "endpoint.lease": lease.shape,
  ssh: ssh.shape,
  "ssh.bastion": bastion.shape,
  k3s: k3s.shape,
  etcd: etcd.shape,
  podFailover: podFailover.shape,
  rotate: rotate.shape,
  download: download.shape,
  upload: upload.shape,
  "upload.amd64": artifacts.shape,
  "upload.arm64": artifacts.shape,
  checksums: checksums.shape,
  restore: restore.shape,
  backup: backup.shape,
  "backup.s3": s3.shape,
  limits: limits.shape,
};

/** The keys that may stand at a path of the configuration, for errors about unknown ones. */
export function knownKeys(path: readonly PropertyKey[]): readonly string[] {
  return Object.keys(shapes[path.filter((key) => typeof key === "string").join(".")] ?? {});
}

/** One node by itself, for rules that look at the well-formed nodes beside malformed ones. */
export const nodeSchema = node;
