import { printable } from "../../../config/problems.ts";
import { virtualAddress } from "../../../config/render.ts";
import { down, listed, readOnly, seen, seenNodes, seenServers } from "../cluster.ts";
import type { ClusterFacts } from "../facts.ts";
import type { Finding } from "../finding.ts";

export function ports(cluster: ClusterFacts): Finding[] {
  const dead = down(cluster);
  const blocked = new Map<string, { to: string; port: number; from: string[] }>();
  for (const { machine, facts } of seenNodes(cluster)) {
    for (const { to, port, answer } of facts.reach ?? []) {
      if ((answer !== "silent" && answer !== "rejected") || dead.has(to)) continue;
      const entry = blocked.get(`${to} ${port}`) ?? { to, port, from: [] };
      entry.from.push(machine.name);
      blocked.set(`${to} ${port}`, entry);
    }
  }
  return [...blocked.values()].map(({ to, port, from }) => ({
    severity: port === 10250 ? "warning" : "critical",
    check: "ports",
    node: to,
    found: `TCP ${port} does not answer ${listed(from)}`,
    wanted: "open between the nodes",
    remedy: "Look at the firewalls of both, and at what is between them (`nft list ruleset`, `iptables -S`).",
  }));
}

/** The best of the connections between two servers, either way, in milliseconds. */
export function roundTrip(cluster: ClusterFacts): Finding[] {
  const limit = cluster.config.limits.roundTripMs;
  const servers = new Set(seenServers(cluster).map(({ machine }) => machine.name));
  const best = new Map<string, number>();
  for (const { machine, facts } of seenServers(cluster)) {
    for (const { to, answer, ms } of facts.reach ?? []) {
      if (answer !== "open" || !servers.has(to)) continue;
      const pair = [machine.name, to].sort().join(" and ");
      best.set(pair, Math.min(ms, best.get(pair) ?? Number.POSITIVE_INFINITY));
    }
  }
  return [...best]
    .filter(([, ms]) => ms > limit)
    .map(([pair, ms]) => ({
      severity: "warning",
      check: "round-trip",
      node: "cluster",
      found: `${ms.toFixed(1)} ms between ${pair}`,
      wanted: `at most ${limit} ms (limits.roundTripMs)`,
      remedy: "Connect servers by wire to one switch; radio and VPNs cost etcd its leader.",
    }));
}

export function endpoint(cluster: ClusterFacts): Finding[] {
  const { config } = cluster;
  const address = virtualAddress(config);
  const base = { check: "endpoint", node: "cluster", severity: "critical" } as const;
  const idle = seen(cluster).flatMap(({ machine, facts }) =>
    Object.entries(facts.machine.services)
      .filter(([, state]) => state !== "active")
      .map(
        ([name, state]): Finding => ({
          ...base,
          severity: "warning",
          node: machine.name,
          found: `${name} is ${printable(state)}`,
          wanted: "active",
          remedy: `On the machine: \`journalctl -u ${name}\` says why; \`systemctl start ${name}\`.`,
        }),
      ),
  );
  const holders = seen(cluster)
    .filter(({ facts }) => facts.machine.vip)
    .map(({ machine }) => machine.name);
  if (address !== undefined && holders.length > 1)
    return [
      ...idle,
      {
        ...base,
        found: `${address} is on ${listed(holders)} at the same time`,
        wanted: "one holder: clients reach now the one, now the other",
        remedy: `\`ip address del ${address}/32 dev INTERFACE\` on all but the one that ${whoHolds(config.endpoint.provider)}.`,
      },
    ];
  const searched = cluster.patients.every(({ machine, facts }) => facts || machine.role === "agent");
  // kube-vip lets go of the address when it cannot renew its lease
  if (readOnly(cluster)) return idle;
  if (address !== undefined && holders.length === 0 && searched)
    return [
      ...idle,
      {
        ...base,
        found: `nobody holds ${address}`,
        wanted: "one holder",
        remedy: "See docs/endpoint.md; the servers' own addresses answer meanwhile.",
      },
    ];
  if (cluster.endpoint.answers) return idle;
  return [
    ...idle,
    {
      ...base,
      found: `the API does not answer at the endpoint, seen from here: ${printable(cluster.endpoint.problem)}`,
      wanted: "an answer on port 6443",
      remedy: "See docs/endpoint.md; check the way from here to the nodes' network.",
    },
  ];
}

const whoHolds = (provider: string): string =>
  provider === "kube-vip"
    ? "holds the Lease plndr-cp-lock (`kubectl -n kube-system get lease plndr-cp-lock`)"
    : "keepalived calls MASTER (`journalctl -u keepalived`)";
