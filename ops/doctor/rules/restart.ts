import { printable } from "../../../config/problems.ts";
import { listed, seenServers } from "../cluster.ts";
import type { ClusterFacts } from "../facts.ts";
import type { Finding } from "../finding.ts";

const passwords = "/var/lib/rancher/k3s/server/cred/passwd";

/**
 * Servers whose k3s would end at its next start: it compares shared files with etcd's copy, and a newer one on disk is
 * fatal. A server that does not run cannot be asked, and is a finding of its own.
 */
export function restart(cluster: ClusterFacts): Finding[] {
  return seenServers(cluster).flatMap(({ machine, facts }): Finding[] => {
    const newer = facts.restart?.newer ?? [];
    if (newer.length === 0) return [];
    const own = newer.every((file) => file === passwords);
    return [
      {
        severity: "critical",
        check: "restart",
        node: machine.name,
        found: `k3s would end at its next start: ${listed(newer.map((file) => printable(file)))} ${newer.length === 1 ? "is" : "are"} newer than etcd's copy`,
        wanted: "the same files on disk and in etcd",
        remedy: own
          ? "Do not restart k3s there before `pulumi up`. Where that finds nothing to do, raise rotate.serverToken by one."
          : "Do not restart k3s there. Find out who changed the file; `k3s certificate rotate-ca` and `k3s secrets-encrypt` are the ways to change it.",
      },
    ];
  });
}
