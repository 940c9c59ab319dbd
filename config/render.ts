import { stringify } from "yaml";
import { podFailoverFlags } from "./pod-failover.ts";
import { firstServer } from "./roster.ts";
import type { ClusterConfig, NodeConfig } from "./schema.ts";
import { etcdArguments } from "./timing.ts";

/** The port of the API, on servers and at every endpoint. */
export const apiPort = 6443;

/** Where the API of one server answers. */
export function serverUrl(address: string): string {
  return `https://${address}:${apiPort}`;
}

/** The address that moves between machines, where there is one. */
export function virtualAddress({ endpoint, balancers }: ClusterConfig): string | undefined {
  if (endpoint.provider === "kube-vip" || endpoint.provider === "keepalived") return endpoint.address;
  return endpoint.provider === "haproxy" && balancers.length > 1 ? endpoint.address : undefined;
}

/** Where the cluster's API answers: the virtual address, or the first server when there is none. */
export function endpointAddress(config: ClusterConfig): string {
  return config.endpoint.provider === "none" ? firstServer(config).address : config.endpoint.address;
}

/**
 * Everything that a server's certificate must carry: where the API answers for all of them, the stack's further names,
 * and what is the server's own. Nothing of the other servers, so that adding or removing one restarts no other.
 */
export function certificateNames({ endpoint, tlsSans }: ClusterConfig, node: NodeConfig): string[] {
  const shared = endpoint.provider === "none" ? [] : [endpoint.address];
  return [...new Set([...shared, ...tlsSans, node.name, node.host, node.address])].sort();
}

/** The flags that k3s or etcd wants equal on all servers, under k3s' own names. */
function sharedFlags({ k3s, etcd, podFailover }: ClusterConfig): Record<string, unknown> {
  const etcdArgs = etcdArguments(etcd.timing);
  return {
    "cluster-cidr": k3s.clusterCidr,
    "service-cidr": k3s.serviceCidr,
    ...(k3s.clusterDns && { "cluster-dns": k3s.clusterDns }),
    "cluster-domain": k3s.clusterDomain,
    ...(k3s.disable.length > 0 && { disable: [...new Set(k3s.disable)].sort() }),
    "disable-cloud-controller": k3s.disableCloudController,
    "disable-helm-controller": k3s.disableHelmController,
    "disable-kube-proxy": k3s.disableKubeProxy,
    "disable-network-policy": k3s.disableNetworkPolicy,
    "egress-selector-mode": k3s.egressSelectorMode,
    "embedded-registry": k3s.embeddedRegistry,
    ...(etcdArgs.length > 0 && { "etcd-arg": etcdArgs }),
    "flannel-backend": k3s.flannelBackend,
    ...podFailoverFlags(podFailover),
    "secrets-encryption": k3s.secretsEncryption,
  };
}

/** The keys of the S3 store. */
export interface S3Keys {
  readonly accessKey: string;
  readonly secretKey: string;
}

/** Snapshots on a schedule, and where else they go. */
function snapshotFlags({ backup }: ClusterConfig): Record<string, unknown> {
  const { schedule, retention, s3 } = backup;
  return {
    "etcd-snapshot-schedule-cron": schedule,
    "etcd-snapshot-retention": retention,
    ...(s3 && {
      "etcd-s3": true,
      "etcd-s3-endpoint": s3.endpoint,
      "etcd-s3-bucket": s3.bucket,
      "etcd-s3-region": s3.region,
      ...(s3.folder && { "etcd-s3-folder": s3.folder }),
      ...(s3.insecure && { "etcd-s3-insecure": true }),
      ...(s3.skipVerify && { "etcd-s3-skip-ssl-verify": true }),
      // Older releases know only the number above, and use it for both.
      "etcd-s3-retention": retention,
    }),
  };
}

function ownFlags(node: NodeConfig): Record<string, unknown> {
  const labels = Object.entries(node.labels).map(([key, value]) => `${key}=${value}`);
  const kept = Object.entries(node.reserved ?? {}).map(([what, amount]) => `${what}=${amount}`);
  return {
    "node-name": node.name,
    "node-ip": node.address,
    ...(labels.length > 0 && { "node-label": labels.sort() }),
    ...(node.taints.length > 0 && { "node-taint": [...new Set(node.taints)].sort() }),
    ...(kept.length > 0 && { "kubelet-arg": [`kube-reserved=${kept.join(",")}`] }),
  };
}

/** A server's settings without its secrets, under k3s' own names. */
export function serverFlags(config: ClusterConfig, node: NodeConfig): Record<string, unknown> {
  return { ...equalFlags(config), ...ownServerFlags(config, node) };
}

/** An agent's settings, under k3s' own names. */
export function agentFlags(node: NodeConfig): Record<string, unknown> {
  return ownFlags(node);
}

const equalFlags = (config: ClusterConfig) => ({ ...sharedFlags(config), ...snapshotFlags(config) });

const ownServerFlags = (config: ClusterConfig, node: NodeConfig) => ({
  ...ownFlags(node),
  "advertise-address": node.address,
  "tls-san": certificateNames(config, node),
});

const yaml = (value: object): string => stringify(value, { lineWidth: 0 });

/**
 * A server's `config.yaml`. The first part is byte-identical on all servers; it holds neither `cluster-init` nor
 * `server` nor `token`, which the node writes once when it founds or joins.
 */
export function serverConfig(
  config: ClusterConfig,
  node: NodeConfig,
  agentToken: string,
  s3Keys?: S3Keys,
): string {
  const secrets = {
    "agent-token": agentToken,
    ...(config.backup.s3 &&
      s3Keys && {
        "etcd-s3-access-key": s3Keys.accessKey,
        "etcd-s3-secret-key": s3Keys.secretKey,
      }),
  };
  return yaml({ ...equalFlags(config), ...secrets }) + yaml(ownServerFlags(config, node));
}

/** An agent's `config.yaml`; where and with what it joins is written by the node. */
export function agentConfig(node: NodeConfig): string {
  return yaml(agentFlags(node));
}

/** Standard input of a `server` or `agent` step: the token that opens the cluster, then `config.yaml`. */
export function stepInput(token: string, configYaml: string): string {
  return `token: ${token}\n---\n${configYaml}`;
}
