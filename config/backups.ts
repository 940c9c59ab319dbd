/** What is said of the age of backups. */

/** One snapshot file. */
export interface SnapshotFile {
  readonly name: string;
  /** `file://...` on the server, or `s3://...`. */
  readonly place: string;
  readonly bytes: number;
  /** ISO 8601, UTC. */
  readonly createdAt: string;
}

/** The newest snapshots, as one server saw them. */
export interface BackupReport {
  readonly node: string;
  /** When it looked. */
  readonly at: string;
  /** Since when its present settings count: nothing that they make due can be older. */
  readonly since: string;
  readonly here: SnapshotFile | null;
  readonly away: SnapshotFile | null;
  /** Why S3 could not be asked. */
  readonly problem: string | null;
}

/** A stack's output: the newest snapshots and their age when the cluster was last verified. */
export interface Backups {
  readonly node: string;
  readonly checkedAt: string;
  readonly onNode: (SnapshotFile & { readonly ageSeconds: number }) | null;
  readonly offNode: (SnapshotFile & { readonly ageSeconds: number }) | null;
}

const seconds = (from: string, to: string): number => Math.max(0, (Date.parse(to) - Date.parse(from)) / 1000);

export function backupsOf({ node, at, here, away }: BackupReport): Backups {
  const aged = (file: SnapshotFile | null) => file && { ...file, ageSeconds: seconds(file.createdAt, at) };
  return { node, checkedAt: at, onNode: aged(here), offNode: aged(away) };
}

/** A duration in the unit that a person would choose. */
export function span(seconds: number): string {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} days`;
}

/**
 * What is wrong with backups: S3 that cannot be asked, and snapshots older than twice the interval of the schedule.
 * @param interval seconds between two scheduled snapshots
 * @param s3 whether there should be snapshots in S3
 */
export function backupWarnings(report: BackupReport, interval: number, s3: boolean): string[] {
  const { node, at, since, here, away, problem } = report;
  const limit = 2 * interval;
  // said again by every run until the servers are asked again
  const seen = `${node} at ${at}`;
  const stale = (where: string, file: SnapshotFile | null, next: string): string[] => {
    const age = seconds(file?.createdAt ?? since, at);
    if (age <= limit || seconds(since, at) <= limit) return [];
    const found = file
      ? `the newest snapshot ${where} is ${span(age)} old (${file.name})`
      : `there is no snapshot ${where}`;
    return [`${seen}: ${found}; the schedule makes one every ${span(interval)}. ${next}`];
  };
  const onNode = stale(
    "on this server",
    here,
    "Look for `snapshot` in `journalctl -u k3s` there; is its disk full?",
  );
  if (!s3) return onNode;
  if (problem !== null) {
    return [
      ...onNode,
      `${seen}: ${problem}. Snapshots do not leave the servers meanwhile: bring the store back, or correct backup.s3, s3AccessKey and s3SecretKey.`,
    ];
  }
  return [
    ...onNode,
    ...stale("in S3", away, "Look for `S3` in `journalctl -u k3s` there; is the bucket full or read-only?"),
  ];
}
