import { z } from "zod";
import {
  cpuQuantity,
  flag,
  host,
  ipv4,
  labelKey,
  labelValue,
  login,
  memoryQuantity,
  nodeName,
  oneOf,
  taint,
  whole,
} from "./grammar.ts";
import { hostKey } from "./host-key.ts";

const reserved = z.strictObject({ cpu: cpuQuantity.optional(), memory: memoryQuantity.optional() });

/** A machine of the cluster, server or agent. */
export const node = z.strictObject({
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
  /**
   * An agent whose normal state is off, such as a gaming tower: it is asked in every `up`, brought up to date when it
   * answers, and never waited for.
   */
  partTime: flag.optional(),
});
