/** How bad a finding is: `critical` now or at the next fault, `warning` soon, `notice` good to know. */
export const severities = ["critical", "warning", "notice"] as const;

export type Severity = (typeof severities)[number];

/** One thing that is not as it should be. */
export interface Finding {
  readonly severity: Severity;
  /** Its name; docs/doctor.md has a line for each. */
  readonly check: Check;
  /** A machine's name, or `cluster`. */
  readonly node: string;
  /** What was found, with its figures. */
  readonly found: string;
  readonly wanted: string;
  /** What to do about it. */
  readonly remedy: string;
}

/** Every check that there is. */
export const checks = [
  "reachable",
  "service",
  "version",
  "binary",
  "unit",
  "config",
  "permissions",
  "token",
  "unfinished",
  "disk",
  "clock",
  "certificates",
  "snapshot",
  "snapshot-away",
  "restart",
  "members",
  "quorum",
  "leader",
  "alarm",
  "database",
  "fragmentation",
  "disk-latency",
  "peer-latency",
  "ports",
  "round-trip",
  "endpoint",
  "nodes",
  "encryption",
] as const;

export type Check = (typeof checks)[number];

/** Worst first, then by machine. */
export function sorted(findings: readonly Finding[]): Finding[] {
  const rank = ({ severity }: Finding) => severities.indexOf(severity);
  return [...findings].sort(
    (a, b) => rank(a) - rank(b) || a.node.localeCompare(b.node) || a.check.localeCompare(b.check),
  );
}
