import { endpointAddress } from "../../config/render.ts";
import { living } from "../../config/roster.ts";
import { holdersOf } from "../../measure/etcd.ts";
import { api, freshLeaseMs, nodesOf } from "../../measure/kube.ts";
import { type Asked, askMembers, leaderOf, problemsOf } from "../members.ts";
import type { TargetCluster } from "../target.ts";
import type { Situation } from "./scenario.ts";

/** How the cluster stands. */
export interface Health {
  readonly situation: Situation;
  readonly asked: readonly Asked[];
  /** Why it is not whole; empty when it is. */
  readonly problems: readonly string[];
}

/** Looks at etcd, the servers' Nodes, and who holds the address. Nodes that are agents may be off. */
export async function healthOf(cluster: TargetCluster): Promise<Health> {
  const { servers, remote, access } = cluster;
  const { provider } = remote.config.endpoint;
  const balancers = living(remote.config.balancers).map(({ name }) => name);
  const names = servers.map(({ name }) => name);
  const moving = ["kube-vip", "keepalived", "haproxy"].includes(provider);
  const [asked, idle, holders, late] = await Promise.all([
    askMembers(cluster),
    idleBalancers(cluster, balancers),
    moving ? holdersAmong(cluster, provider === "haproxy" ? balancers : names) : [],
    nodesLate(cluster, names),
  ]);
  const astray =
    moving && holders.length !== 1
      ? [`the endpoint's address is on ${holders.join(" and ") || "no machine"}`]
      : [];
  const answer = await api(access, "GET", "/readyz").then(
    () => [],
    (error: Error) => [`the endpoint does not answer: ${error.message}`],
  );
  const situation = { provider, servers: names, balancers, holders, leader: leaderOf(asked) };
  return { situation, asked, problems: [...problemsOf(asked), ...late, ...idle, ...astray, ...answer] };
}

async function nodesLate({ access }: TargetCluster, names: readonly string[]): Promise<string[]> {
  const nodes = await nodesOf(access).catch((error: Error) => error);
  if (nodes instanceof Error) return [nodes.message];
  return names.flatMap((name) => {
    const node = nodes.find((one) => one.name === name);
    if (!node) return [`${name} has no Node`];
    if (!node.ready) return [`the Node ${name} is not Ready`];
    return node.silentMs > freshLeaseMs ? [`the Node ${name} has not been heard of lately`] : [];
  });
}

async function idleBalancers({ remote }: TargetCluster, names: readonly string[]): Promise<string[]> {
  const found = await Promise.all(
    names.map((name) => remote.run(name, "systemctl is-active haproxy", { seconds: 5 })),
  );
  return found.flatMap((ran) => {
    if (!ran.reached) return [ran.problem];
    return ran.stdout.trim() === "active" ? [] : [`${ran.node}: haproxy does not run`];
  });
}

/** The machines that have the endpoint's address. */
function holdersAmong({ remote }: TargetCluster, names: readonly string[]): Promise<string[]> {
  const shells = names.map((name) => ({
    name,
    async exec(command: string) {
      const ran = await remote.run(name, command, { seconds: 5 });
      return ran.reached ? { ...ran, code: ran.code ?? -1 } : { code: -1, stdout: "", stderr: ran.problem };
    },
  }));
  return holdersOf(endpointAddress(remote.config), shells);
}
