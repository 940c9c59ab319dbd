import { z } from "zod";
import { cidr, domain, flag, ipv4, oneOf } from "./grammar.ts";

/** Parts of k3s that `disable` may name. */
const packaged = ["coredns", "servicelb", "traefik", "local-storage", "metrics-server", "runtimes"] as const;

/**
 * Flags that k3s wants equal on all servers. They stand here once and are rendered once, so servers cannot differ.
 * Names are k3s' own in camel case.
 */
export const k3s = z.strictObject({
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
