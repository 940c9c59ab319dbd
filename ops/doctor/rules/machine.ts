import { clocksOff, offBy } from "../../../config/clocks.ts";
import { printable } from "../../../config/problems.ts";
import { seen, seenNodes } from "../cluster.ts";
import type { ClusterFacts } from "../facts.ts";
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

export function clock({ patients, config }: ClusterFacts): Finding[] {
  const { clockMs } = config.limits;
  const clocks = patients.flatMap(({ machine, clock }) => (clock ? [{ name: machine.name, ...clock }] : []));
  return clocksOff(clocks, clockMs).map(({ name, offMs }) => ({
    severity: "critical",
    check: "clock",
    node: name,
    found: `its clock is ${offBy(offMs)}`,
    wanted: `within ${clockMs} ms (limits.clockMs)`,
    remedy:
      "On the node: `timedatectl` says whether it is synchronised; install chrony or systemd-timesyncd.",
  }));
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
