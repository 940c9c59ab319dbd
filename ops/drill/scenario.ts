import { quorumOf } from "../../config/quorum.ts";
import { Refusal } from "../refusal.ts";

/** What can be rehearsed, and what it does to whom. */
export const scenarios = {
  "vip-holder": "the server that holds the endpoint's address dies without a word",
  reboot: "a server is rebooted in good order; default: the one that leads etcd",
  "cut-off": "a server hears nothing of the other servers any more; default: the one that leads etcd",
  balancer: "the load balancer that holds the endpoint's address dies without a word",
} as const;

export type Scenario = keyof typeof scenarios;

/** What is known before the blow. */
export interface Situation {
  readonly provider: string;
  /** Servers of the stack that were not declared lost. */
  readonly servers: readonly string[];
  readonly balancers: readonly string[];
  /** Machines on which the endpoint's address is. */
  readonly holders: readonly string[];
  readonly leader: string | undefined;
}

/**
 * Whom a scenario hits.
 * @param wanted The operator's choice, for scenarios that can hit any server.
 * @throws Refusal when there is nobody to hit, or the cluster would not survive it
 */
export function victimOf(scenario: Scenario, situation: Situation, wanted: string | undefined): string {
  const { servers, balancers, holders, leader, provider } = situation;
  const holder = () => {
    if (holders.length === 1) return holders[0]!;
    throw new Refusal(
      `the endpoint's address is on ${holders.join(" and ") || "no machine"}, want exactly one. See docs/endpoint.md`,
    );
  };
  if (wanted !== undefined && scenario !== "reboot" && scenario !== "cut-off")
    throw new Refusal(`--server: ${scenario} hits whoever holds the address; leave it out`);
  if (wanted !== undefined && !servers.includes(wanted))
    throw new Refusal(`--server ${wanted}: found the servers ${servers.join(", ")}`);
  if (scenario === "balancer") {
    if (balancers.length < 2)
      throw new Refusal(
        `${balancers.length} balancers in the stack: without a second one its loss is the loss of the endpoint`,
      );
    return holder();
  }
  const needed = quorumOf(servers.length);
  if (servers.length - 1 < needed)
    throw new Refusal(
      `${servers.length} voters, of which ${needed} are needed: without one of them nobody could write. This drill wants three servers or more`,
    );
  if (scenario !== "vip-holder") return wanted ?? leader ?? servers[0]!;
  if (!["kube-vip", "keepalived"].includes(provider))
    throw new Refusal(
      `the endpoint is ${provider}: no server holds its address. The scenarios reboot and cut-off fit here${provider === "haproxy" ? ", and balancer" : ""}`,
    );
  return holder();
}
