import { span } from "../../../config/backups.ts";
import { printable } from "../../../config/problems.ts";
import { quorumOf } from "../../../config/quorum.ts";
import { listed, type Seen, seenServers, type Voters, votersOf } from "../cluster.ts";
import type { ClusterFacts } from "../facts.ts";
import type { Finding } from "../finding.ts";
import { members } from "./etcd.ts";

export function quorum(cluster: ClusterFacts): Finding[] {
  const voters = votersOf(cluster);
  const { told, all, alive } = voters;
  if (all.length === 0) return [];
  const base = { check: "quorum", node: "cluster" } as const;
  const need = quorumOf(all.length);
  if (alive.length < need)
    return [
      {
        ...base,
        severity: "critical",
        found: [
          `${alive.length} of ${all.length} voters run (${listed(alive) || "none"})`,
          ...others(cluster, voters),
        ].join("; "),
        wanted: `${need}, without which nothing can be written`,
        remedy: waysOut(cluster, voters, need),
      },
    ];
  // a member that joins or must go is a finding of its own, and who has left may still be named on a disk
  if (!told || all.length % 2 === 1 || members(cluster).length > 0) return [];
  return [
    {
      ...base,
      severity: "warning",
      found: `${all.length} voters: ${listed(all)}`,
      wanted: "an odd number, which survives as many losses with one server less",
      remedy: "Add a server to the stack, or remove one.",
    },
  ];
}

/** Voters that do not run, on machines that answer, and those of which nothing is heard. */
function apart(cluster: ClusterFacts, { all, alive }: Voters): { idle: Seen[]; silent: string[] } {
  const answering = seenServers(cluster).filter(({ machine }) => all.includes(machine.name));
  const idle = answering.filter(({ machine }) => !alive.includes(machine.name));
  const silent = all.filter((name) => !answering.some(({ machine }) => machine.name === name));
  return { idle, silent };
}

/** What is known of the voters that do not run. */
function others(cluster: ClusterFacts, voters: Voters): string[] {
  const { idle, silent } = apart(cluster, voters);
  return [
    ...idle.map(
      ({ machine, facts: { service } }) =>
        `${machine.name} answers, but its k3s is ${printable(service.state)}${service.restarts > 0 ? ` and was restarted ${service.restarts} times` : ""}`,
    ),
    ...(silent.length > 0 ? [`nothing is heard of ${listed(silent)}`] : []),
  ];
}

/** One of those away comes back, or a snapshot is restored, with what there is to restore. Nothing is ever reset by itself. */
function waysOut(cluster: ClusterFacts, voters: Voters, need: number): string {
  const { idle, silent } = apart(cluster, voters);
  const missing = need - voters.alive.length - idle.length;
  const back =
    missing > 0
      ? `Bring ${missing} of ${silent.join(", ")} back, with its disk: k3s then goes on by itself.`
      : `Start k3s on ${listed(idle.map(({ machine }) => machine.name))}; \`journalctl -u k3s\` there says what keeps it.`;
  const gone =
    missing > 0 ? "If they are gone for good, say so (lost: true) and" : "If their data are broken,";
  return `${back} ${gone} restore a snapshot, which loses what was written since: ${newest(cluster)}. docs/restore.md; on new machines docs/disaster-recovery.md.`;
}

/** The newest snapshot on the machines that answer: its age, where it is, and how it is asked for. */
function newest(cluster: ClusterFacts): string {
  const found = seenServers(cluster).flatMap(({ machine, facts: { snapshots } }) => [
    ...(snapshots?.newest
      ? [{ ...snapshots.newest, on: machine.name, as: snapshots.newest.place.replace("file://", "") }]
      : []),
    ...(snapshots?.kept ? [{ ...snapshots.kept, on: machine.name, as: snapshots.kept.name }] : []),
  ]);
  const [best] = found.sort((a, b) => Date.parse(b.createdAt) - Date.parse(a.createdAt));
  if (!best) return "none is on the servers that answer, so one from S3 or from backup.copyTo";
  const age = span((cluster.now - Date.parse(best.createdAt)) / 1000);
  return `the newest found is ${age} old, on ${best.on}, which must then be the first of servers (restore: { id: a-new-word, snapshot: ${printable(best.as)} })`;
}
