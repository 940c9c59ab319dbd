import { printable } from "../../../config/problems.ts";
import { seen, seenNodes } from "../cluster.ts";
import type { ClusterFacts, Patient } from "../facts.ts";
import type { Finding } from "../finding.ts";

/** Percent in use. k3s' kubelet begins to evict pods at 95 (its eviction-hard of `nodefs.available<5%`). */
const full = { warning: 90, critical: 95 } as const;

export function disk(cluster: ClusterFacts): Finding[] {
  return seen(cluster).flatMap(({ machine, facts }) =>
    facts.machine.disks.flatMap(({ mount, freeKib, usedPercent, usedInodesPercent }): Finding[] => {
      const used = Math.max(usedPercent, usedInodesPercent);
      if (used < full.warning) return [];
      const what = usedInodesPercent > usedPercent ? "of its inodes" : `(${room(freeKib)} free)`;
      return [
        {
          severity: used >= full.critical ? "critical" : "warning",
          check: "disk",
          node: machine.name,
          found: `${printable(mount)} is used to ${used} % ${what}`,
          wanted: `less than ${full.warning} %`,
          remedy: "Make room: `k3s crictl rmi --prune`, old logs; or give it a larger disk.",
        },
      ];
    }),
  );
}

const room = (kib: number): string =>
  kib < 1024
    ? `${kib} KiB`
    : kib < 1024 * 1024
      ? `${Math.round(kib / 1024)} MiB`
      : `${Math.round(kib / 1024 / 1024)} GiB`;

/**
 * Clocks are compared with each other: with three or more, most of them are right; with fewer, with this machine's.
 * A difference counts as far as it is certain.
 */
export function clock({ patients, config }: ClusterFacts): Finding[] {
  const measured = patients.flatMap(({ machine, clock }: Patient) => (clock ? [{ machine, ...clock }] : []));
  const offsets = measured.map(({ offsetMs }) => offsetMs).sort((a, b) => a - b);
  const right = offsets.length < 3 ? 0 : offsets[Math.floor((offsets.length - 1) / 2)]!;
  return measured.flatMap(({ machine, offsetMs, uncertaintyMs }): Finding[] => {
    const off = offsetMs - right;
    if (Math.abs(off) - uncertaintyMs <= config.limits.clockMs) return [];
    return [
      {
        severity: "critical",
        check: "clock",
        node: machine.name,
        found: `its clock is ${(Math.abs(off) / 1000).toFixed(1)} s ${off > 0 ? "ahead" : "behind"}${offsets.length < 3 ? " of this machine's" : ""}`,
        wanted: `within ${config.limits.clockMs} ms (limits.clockMs)`,
        remedy:
          "On the node: `timedatectl` says whether it is synchronised; install chrony or systemd-timesyncd.",
      },
    ];
  });
}

const day = 86_400_000;
/** Days before their end at which certificates are a warning, and critical. k3s renews at a start below 120. */
const ending = { warning: 30, critical: 1 } as const;

export function certificates(cluster: ClusterFacts): Finding[] {
  return seenNodes(cluster).flatMap(({ machine, facts }): Finding[] => {
    const { expires } = facts.files;
    if (expires === null) return [];
    const days = (Date.parse(expires) - cluster.now) / day;
    if (days > ending.warning) return [];
    const when =
      days < 0
        ? "ended"
        : days < 2
          ? `ends in ${Math.round(days * 24)} h`
          : `ends in ${Math.floor(days)} days`;
    return [
      {
        severity: days <= ending.critical ? "critical" : "warning",
        check: "certificates",
        node: machine.name,
        found: `a certificate ${when}, at ${expires}`,
        wanted: `more than ${ending.warning} days`,
        remedy: "Raise rotate.certificates and run `pulumi up` (docs/rotation.md).",
      },
    ];
  });
}
