import { z } from "zod";
import { cidr, flag, host, ipv4, login, networkInterface, nodeName, pinnedImage, whole } from "./grammar.ts";
import { hostKey } from "./host-key.ts";
import { kubeVipImage } from "./images.ts";

/**
 * kube-vip's leader election, in seconds. Default: what fits to `etcd.timing` (5/3/1 with k3s' own: the address moves
 * in about 6 s). 3/2/1 is the shortest that elects anyone; slow disks cost the lease at 5/3/1 and want 15/10/2.
 */
export const lease = z.strictObject({
  duration: whole(3, 60),
  renew: whole(2, 59),
  retry: whole(1, 30),
});

/** A virtual address on a LAN: which, and where. */
const virtualAddress = {
  /** The virtual address that answers for the API. */
  address: ipv4,
  /** Interface that carries it. Default: the one of the default route, or of the machine's own address. */
  interface: networkInterface.optional(),
  /** The LAN of the machines that carry it. Default: the /24 of the first of them. */
  subnet: cidr.optional(),
};

/** VRRP's number of the virtual address; another one only where the LAN has that number already. */
const routerId = whole(1, 255).default(51);

/** A pod on every server; one of them, elected through the API itself, holds the address. */
export const kubeVip = z.strictObject({
  provider: z.literal("kube-vip"),
  ...virtualAddress,
  lease: lease.optional(),
  image: pinnedImage.default(kubeVipImage),
  /**
   * Whether it also announces Services of type LoadBalancer, at the addresses that they ask for with the annotation
   * `kube-vip.io/loadbalancerIPs`. k3s' own servicelb must be disabled then.
   */
  services: flag.default(false),
});

/** A machine that runs HAProxy. */
export const balancer = z.strictObject({
  name: nodeName,
  host,
  /** Its own IPv4 address. Default: `host`, when that is an address. */
  address: ipv4.optional(),
  hostKey,
  user: login.optional(),
  port: whole(1, 65535).optional(),
  /** The machine is gone for good: nothing touches it any more, also when its entry is dropped. */
  lost: flag.default(false),
});

/** HAProxy on one machine, whose own address is the endpoint, or on two with a virtual address between them. */
export const haproxy = z.strictObject({
  provider: z.literal("haproxy"),
  ...virtualAddress,
  balancers: z.array(balancer),
  routerId,
});

/** VRRP on the servers themselves: no further machine, and an address that depends neither on etcd nor on the API. */
export const keepalived = z.strictObject({
  provider: z.literal("keepalived"),
  ...virtualAddress,
  routerId,
});

/** A load balancer that somebody else looks after, which passes port 6443 on to all servers. */
const external = z.strictObject({ provider: z.literal("external"), address: host });

/** `none`: no virtual address; the first server's own address is the endpoint. */
const none = z.strictObject({ provider: z.literal("none") });

export const endpoint = z.discriminatedUnion("provider", [kubeVip, haproxy, keepalived, external, none]);
