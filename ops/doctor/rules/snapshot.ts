import { span } from "../../../config/backups.ts";
import { printable } from "../../../config/problems.ts";
import { longestGap } from "../../../config/schedule.ts";
import { runs, seen, seenServers } from "../cluster.ts";
import type { Checkup, ClusterFacts } from "../facts.ts";
import type { Finding } from "../finding.ts";

type File = NonNullable<Checkup["snapshots"]>["newest"];

/** Scheduled snapshots may be missed once. */
const missed = 2;

/** How old the newest snapshot is when it is too old; undefined when it is not, or none can be due yet. */
function stale(cluster: ClusterFacts, newest: File, since: string): string | undefined {
  const interval = longestGap(cluster.config.backup.schedule);
  const age = (moment: string) => (cluster.now - Date.parse(moment)) / 1000;
  if (interval === undefined || age(since) <= missed * interval) return undefined;
  if (newest === null) return `there is no snapshot, although one is due every ${span(interval)}`;
  const old = age(newest.createdAt);
  if (old <= missed * interval) return undefined;
  return `the newest snapshot is ${span(old)} old (${newest.name}), although one is due every ${span(interval)}`;
}

export function snapshot(cluster: ClusterFacts): Finding[] {
  return seenServers(cluster).flatMap((patient): Finding[] => {
    const { snapshots } = patient.facts;
    if (!snapshots || !runs(patient)) return [];
    const base = { check: "snapshot", node: patient.machine.name } as const;
    if (snapshots.problem !== null)
      return [
        {
          ...base,
          severity: "warning",
          found: `its newest snapshot cannot be restored: ${printable(snapshots.problem)}`,
          wanted: "a whole snapshot",
          remedy: "Delete it, look at the disk, and save a new one: docs/backup.md.",
        },
      ];
    const found = stale(cluster, snapshots.newest, snapshots.since);
    if (found === undefined) return [];
    const remedy = "On the node: `journalctl -u k3s | grep snapshot`; is its disk full?";
    return [
      { ...base, severity: "warning", found, wanted: "one in each interval of backup.schedule", remedy },
    ];
  });
}

export function snapshotAway(cluster: ClusterFacts): Finding[] {
  return seen(cluster).flatMap(({ facts }): Finding[] => {
    const { away, snapshots } = facts;
    if (!away || !snapshots) return [];
    const base = { check: "snapshot-away", node: "cluster", severity: "warning" } as const;
    const wanted = "snapshots that leave the servers";
    if (away.problem !== null) {
      const remedy = "Bring the store back, or correct backup.s3, s3AccessKey and s3SecretKey.";
      return [{ ...base, found: printable(away.problem), wanted, remedy }];
    }
    const found = stale(cluster, away.newest, snapshots.since);
    if (found === undefined) return [];
    const remedy = "On a server: `journalctl -u k3s | grep S3`; is the bucket full or read-only?";
    return [{ ...base, found: `in S3: ${found}`, wanted, remedy }];
  });
}
