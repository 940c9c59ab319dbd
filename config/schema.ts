import { z } from "zod";
import { balancer, endpoint, haproxy, keepalived, kubeVip, lease } from "./endpoint.ts";
import {
  bucketFolder,
  bucketName,
  cidr,
  cpuQuantity,
  cronSchedule,
  domain,
  flag,
  host,
  imageArchive,
  ipv4,
  labelKey,
  labelValue,
  localDirectory,
  localFile,
  login,
  memoryQuantity,
  mirror,
  nodeName,
  oneOf,
  regionName,
  restoreId,
  s3Endpoint,
  sha256,
  snapshotName,
  snapshotPlace,
  taint,
  text,
  whole,
} from "./grammar.ts";
import { hostKey } from "./host-key.ts";
import { officialMirror } from "./releases.ts";
import { exactVersion } from "./version.ts";

const reserved = z.strictObject({ cpu: cpuQuantity.optional(), memory: memoryQuantity.optional() });

/** A machine of the cluster, server or agent. */
const node = z.strictObject({
  /** Kubernetes Node name; resources are named after it, so renaming is removing and adding. */
  name: nodeName,
  /** Where ssh connects to. */
  host,
  /** The node's own IPv4 address (`node-ip`). Default: `host`, when that is an address. */
  address: ipv4.optional(),
  /** Pinned SSH host key. */
  hostKey,
  /** Overrides `ssh.user`. */
  user: login.optional(),
  /** Overrides `ssh.port`. */
  port: whole(1, 65535).optional(),
  /** CPU and memory that the node keeps for k3s and its system: pods get what is left. Default: nothing is kept. */
  reserved: reserved.optional(),
  /** Labels: given at registration, and kept as they stand here by way of the API afterwards. */
  labels: z.record(labelKey, labelValue).default({}),
  /** Taints, like labels. */
  taints: z.array(taint).default([]),
  /**
   * Consent, for this node only, to take over (`adopt`) or to put aside (`replace`) a k3s that this program did not
   * install. It counts while the node is being added to the stack.
   */
  existing: oneOf(["adopt", "replace"], "Leave it out where no k3s is.").optional(),
  /** Overrides the stack's `protect`. */
  protect: flag.optional(),
  /**
   * The machine is gone for good: nothing touches it any more, and the cluster forgets it through another server.
   * Taken away again when a reinstalled machine has its place.
   */
  lost: flag.default(false),
});

const hop = {
  user: login.default("root"),
  port: whole(1, 65535).default(22),
};

const bastion = z.strictObject({ ...hop, host, hostKey });

const ssh = z.strictObject({ ...hop, bastion: bastion.optional() });

/** Parts of k3s that `disable` may name. */
const packaged = ["coredns", "servicelb", "traefik", "local-storage", "metrics-server", "runtimes"] as const;

/**
 * Flags that k3s wants equal on all servers. They stand here once and are rendered once, so servers cannot differ.
 * Names are k3s' own in camel case.
 */
const k3s = z.strictObject({
  clusterCidr: cidr.default("10.42.0.0/16"),
  serviceCidr: cidr.default("10.43.0.0/16"),
  /** Default: the tenth address of `serviceCidr`. */
  clusterDns: ipv4.optional(),
  clusterDomain: domain.default("cluster.local"),
  disable: z.array(oneOf(packaged, "Name a packaged component of k3s.")).default([]),
  disableCloudController: flag.default(false),
  disableHelmController: flag.default(false),
  disableKubeProxy: flag.default(false),
  disableNetworkPolicy: flag.default(false),
  egressSelectorMode: oneOf(["agent", "cluster", "pod", "disabled"], "k3s' default is agent.").default(
    "agent",
  ),
  embeddedRegistry: flag.default(false),
  flannelBackend: oneOf(["vxlan", "host-gw", "wireguard-native", "none"], "k3s' default is vxlan.").default(
    "vxlan",
  ),
  /** Encrypts Secrets in etcd. Decided when the cluster is founded. */
  secretsEncryption: flag.default(true),
});

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

const download = z.strictObject({ mirror: mirror.default(officialMirror) });

const artifacts = z.strictObject({ binary: localFile, images: imageArchive.optional() });

/** Files on the machine where Pulumi runs, for nodes that reach no mirror. */
const upload = z.strictObject({ amd64: artifacts.optional(), arm64: artifacts.optional() });

/** An S3-compatible store; its keys are the secrets `s3AccessKey` and `s3SecretKey`. */
const s3 = z.strictObject({
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
const backup = z.strictObject({
  schedule: cronSchedule.default("0 */12 * * *"),
  /** How many scheduled snapshots each server keeps, and S3 for all servers together. */
  retention: whole(1, 1000).default(5),
  s3: s3.optional(),
  /** Snapshots on demand are also copied to this directory on the machine where Pulumi runs. */
  copyTo: localDirectory.optional(),
});

const checksums = z.strictObject({ amd64: sha256.optional(), arm64: sha256.optional() });

/**
 * Brings the whole cluster back to a snapshot, once for each `id`. Afterwards it may stay or be dropped: neither
 * changes anything. The server token that the snapshot was made with stands beside it (`<snapshot>.token`), is given
 * as the secret `restoreToken`, or is the cluster's own.
 */
const restore = z.strictObject({
  /** A new id is a new restore. */
  id: restoreId,
  /** `node`: kept on the first server. `file`: on the machine where Pulumi runs; it is uploaded. Default: node. */
  from: oneOf(["node", "file"], "Say where the snapshot is.").default("node"),
  /** From `node` a name out of `snapshots`, or an absolute path there; from `file` a path. */
  snapshot: snapshotPlace,
});

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
  readonly agents: readonly NodeConfig[];
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
  rotate: rotate.shape,
  download: download.shape,
  upload: upload.shape,
  "upload.amd64": artifacts.shape,
  "upload.arm64": artifacts.shape,
  checksums: checksums.shape,
  restore: restore.shape,
  backup: backup.shape,
  "backup.s3": s3.shape,
};

/** The keys that may stand at a path of the configuration, for errors about unknown ones. */
export function knownKeys(path: readonly PropertyKey[]): readonly string[] {
  return Object.keys(shapes[path.filter((key) => typeof key === "string").join(".")] ?? {});
}

/** One node by itself, for rules that look at the well-formed nodes beside malformed ones. */
export const nodeSchema = node;
