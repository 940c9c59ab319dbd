import { printable } from "../../../config/problems.ts";
import { quorumOf } from "../../../config/quorum.ts";
import { timingAdvice } from "../../../config/timing.ts";
import {
  down,
  etcds,
  listed,
  membersOf,
  nodeOf,
  runs,
  seenServers,
  serverNames,
  votersOf,
} from "../cluster.ts";
import type { ClusterFacts } from "../facts.ts";
import type { Finding } from "../finding.ts";
import { gauge, histogramsOf, quantile } from "../metrics.ts";

export function members(cluster: ClusterFacts): Finding[] {
  const all = membersOf(cluster);
  if (all.length === 0) return [];
  const known = serverNames(cluster);
  const dead = down(cluster);
  const base = { check: "members", node: "cluster", severity: "warning" } as const;
  const odd = all.flatMap(({ id, name, learner, address }): Finding[] => {
    const node = nodeOf(name);
    const remedy = "Run `pulumi up`, which goes on with the join or clears it away; docs/nodes.md says more.";
    if (name === "-")
      return [
        {
          ...base,
          found: `member ${id} at ${printable(address)} never started`,
          wanted: "members that run",
          remedy,
        },
      ];
    if (!known.includes(node))
      return [
        {
          ...base,
          found: `member ${printable(name)} at ${printable(address)} is no server of the stack${learner ? "" : ", and votes"}`,
          wanted: `members ${listed(known)}`,
          remedy: "A server that was removed came back, or never left: docs/nodes.md.",
        },
      ];
    if (!learner) return [];
    return [{ ...base, node, found: "it is a learner of etcd", wanted: "a voter", remedy }];
  });
  const missing = known
    .filter((name) => !dead.has(name) && !all.some((member) => nodeOf(member.name) === name))
    .map(
      (name): Finding => ({
        ...base,
        severity: "critical",
        node: name,
        found: "it is no member of etcd",
        wanted: "a voter",
        remedy: "Run `pulumi up`; docs/nodes.md says what else can be done.",
      }),
    );
  return [...odd, ...missing];
}

export function leader(cluster: ClusterFacts): Finding[] {
  const { all, alive } = votersOf(cluster);
  // without a majority nobody can lead
  if (all.length > 0 && alive.length < quorumOf(all.length)) return [];
  const mute = seenServers(cluster).filter((patient) => {
    const { etcd } = patient.facts;
    return runs(patient) && (!etcd || etcd.problem !== null || etcd.leader === null);
  });
  const base = { check: "leader", severity: "critical" } as const;
  const silent = mute.map(
    ({ machine, facts }): Finding => ({
      ...base,
      node: machine.name,
      found: `its etcd does not answer: ${printable(facts.etcd?.problem ?? "it knows no leader")}`,
      wanted: "an etcd that follows a leader",
      remedy: "On the node: `journalctl -u k3s | grep etcd`; check ports 2379 and 2380 between the servers.",
    }),
  );
  const leaders = [...new Set(etcds(cluster).flatMap(({ etcd }) => etcd.leader ?? []))];
  const split: Finding = {
    ...base,
    node: "cluster",
    found: `servers follow different leaders: ${leaders.join(", ")}`,
    wanted: "one leader",
    remedy: "An election may be under way: look again. If it stays, check the network between the servers.",
  };
  return [...silent, ...(leaders.length > 1 ? [split] : [])];
}

export function alarm(cluster: ClusterFacts): Finding[] {
  const names = new Map(membersOf(cluster).map(({ id, name }) => [id, nodeOf(name)]));
  const raised = [...new Set(etcds(cluster).flatMap(({ etcd }) => etcd.alarms))];
  return raised.map((line) => {
    const [id = "", kind = ""] = line.split(" ");
    return {
      severity: "critical",
      check: "alarm",
      node: names.get(id) ?? "cluster",
      found: `etcd's alarm ${printable(kind)}`,
      wanted: "no alarm",
      remedy:
        kind === "NOSPACE"
          ? "Nothing can be written until there is room: `npm run ops -- defrag`, then restart k3s there, which disarms it."
          : "Its data differ from the others': remove the server from the stack, `pulumi up`, add it again: docs/nodes.md.",
    };
  });
}

const mebi = 1024 * 1024;
/** Share of etcd's quota, 2 GiB as a rule; at the end of it etcd stops writing. etcd-mixin warns at 95 %. */
const quotaUsed = { warning: 0.8, critical: 0.95 } as const;

export function database(cluster: ClusterFacts): Finding[] {
  return etcds(cluster).flatMap(({ machine, etcd }): Finding[] => {
    const size = gauge(etcd.metrics, "etcd_mvcc_db_total_size_in_bytes");
    const quota = gauge(etcd.metrics, "etcd_server_quota_backend_bytes");
    if (size === undefined || !quota || size / quota < quotaUsed.warning) return [];
    return [
      {
        severity: size / quota >= quotaUsed.critical ? "critical" : "warning",
        check: "database",
        node: machine.name,
        found: `etcd's database has ${Math.round(size / mebi)} MiB of ${Math.round(quota / mebi)}`,
        wanted: `less than ${quotaUsed.warning * 100} %`,
        remedy: "`npm run ops -- defrag`; then find out what fills it (`kubectl get events -A | wc -l`).",
      },
    ];
  });
}

/** As etcd-mixin's alert, less than half in use; below this many bytes a defragmentation is not worth its pause. */
const fragmented = { share: 0.5, bytes: 64 * mebi } as const;

export function fragmentation(cluster: ClusterFacts): Finding[] {
  return etcds(cluster).flatMap(({ machine, etcd }): Finding[] => {
    const size = gauge(etcd.metrics, "etcd_mvcc_db_total_size_in_bytes");
    const used = gauge(etcd.metrics, "etcd_mvcc_db_total_size_in_use_in_bytes");
    if (size === undefined || used === undefined) return [];
    if (used / size >= fragmented.share || size - used < fragmented.bytes) return [];
    return [
      {
        severity: "warning",
        check: "fragmentation",
        node: machine.name,
        found: `etcd's database has ${Math.round(size / mebi)} MiB, of which ${Math.round(used / mebi)} are in use`,
        wanted: `at least ${fragmented.share * 100} % in use`,
        remedy: "`npm run ops -- defrag`: one member at a time, the leader last.",
      },
    ];
  });
}

/** Observations without which a quantile says little: k3s writes several times a second. */
const enough = 100;
/** Seconds of etcd-mixin's alert on the 99th percentile of WAL fsync, and on the peers' round trip. */
const fsyncAlert = 0.5;
const peerAlert = 0.15;

const inMs = (seconds: number) => `${(seconds * 1000).toFixed(seconds < 0.1 ? 1 : 0)} ms`;

export function diskLatency(cluster: ClusterFacts): Finding[] {
  const { etcd: own, limits } = cluster.config;
  const { diskSyncMs } = limits;
  return etcds(cluster).flatMap(({ machine, etcd }): Finding[] => {
    const histogram = histogramsOf(etcd.metrics, "etcd_disk_wal_fsync_duration_seconds").get("");
    const p99 = quantile(histogram, 0.99, enough);
    if (p99 === undefined || p99 * 1000 <= diskSyncMs) return [];
    const advice = timingAdvice(own.timing, { walSyncMs: p99 * 1000 });
    return [
      {
        severity: p99 > Math.max(fsyncAlert, diskSyncMs / 1000) ? "critical" : "warning",
        check: "disk-latency",
        node: machine.name,
        found: `1 of 100 writes of etcd's log takes longer than ${inMs(p99)} to reach the disk (since k3s was started)`,
        wanted: `at most ${diskSyncMs} ms (limits.diskSyncMs)`,
        remedy: `Give etcd an SSD of its own, or move what else writes to this disk.${advice ? ` Until then: ${advice.next}` : ""}`,
      },
    ];
  });
}

export function peerLatency(cluster: ClusterFacts): Finding[] {
  return etcds(cluster).flatMap(({ machine, etcd }) => {
    const histograms = histogramsOf(etcd.metrics, "etcd_network_peer_round_trip_time_seconds", "To");
    return [...histograms].flatMap(([to, histogram]): Finding[] => {
      const p99 = quantile(histogram, 0.99, enough);
      if (p99 === undefined || p99 <= peerAlert) return [];
      const peer = etcd.members.find(({ id }) => id === to);
      return [
        {
          severity: "warning",
          check: "peer-latency",
          node: machine.name,
          found: `1 of 100 round trips of etcd to ${peer ? printable(nodeOf(peer.name)) : printable(to)} takes longer than ${inMs(p99)}`,
          wanted: `at most ${inMs(peerAlert)}`,
          remedy:
            "Servers belong on one wired network; look for a full link or a machine without CPU to spare.",
        },
      ];
    });
  });
}
