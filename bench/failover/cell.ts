import { type EtcdTiming, leaseOf, profiles } from "../../config/timing.ts";

export const endpoints = ["kube-vip", "haproxy", "keepalived"] as const;
export type Endpoint = (typeof endpoints)[number];

/**
 * Who loses its power: what carries the address (a server, or with HAProxy a balancer), the server that leads etcd, both
 * in one (with HAProxy: both at once), or a server that is neither.
 */
export const victims = ["holder", "leader", "both", "other"] as const;
export type Victim = (typeof victims)[number];

export const benchTimings = ["default", "lan-ssd"] as const satisfies readonly EtcdTiming[];
export type BenchTiming = (typeof benchTimings)[number];

/** What a cluster is brought to before cells are measured on it. */
export type Setup = { readonly endpoint: Endpoint; readonly timing: BenchTiming };
export type Cell = Setup & { readonly victim: Victim };

export const keyOf = ({ endpoint, timing, victim }: Cell): string => `${endpoint} ${timing} ${victim}`;

/** Neighbours differ in one thing, so that a change from one to the next is short. */
export const setups: readonly Setup[] = [
  { endpoint: "kube-vip", timing: "default" },
  { endpoint: "kube-vip", timing: "lan-ssd" },
  { endpoint: "keepalived", timing: "lan-ssd" },
  { endpoint: "keepalived", timing: "default" },
  { endpoint: "haproxy", timing: "default" },
  { endpoint: "haproxy", timing: "lan-ssd" },
];

/** Whether the cluster has to elect a leader. */
export const losesLeader = ({ victim }: Cell): boolean => victim === "leader" || victim === "both";

/** What a row was measured with; rows of other settings are not counted. */
export function settingsOf({ endpoint, timing }: Setup): string {
  const { heartbeatMs, electionMs } = profiles[timing];
  const { duration, renew, retry } = leaseOf({}, timing);
  const own = { "kube-vip": `lease ${duration}/${renew}/${retry} s`, keepalived: "VRRP", haproxy: "HAProxy" };
  return `etcd ${heartbeatMs}/${electionMs} ms, ${own[endpoint]}`;
}
