import { z } from "zod";

/** What a machine says of the endpoint's address. */
export const addressReport = z.object({
  node: z.string().regex(/^[a-z0-9.-]{1,253}$/),
  /** The interface that has it; null where none has. */
  interface: z
    .string()
    .regex(/^[A-Za-z0-9_.:@-]{1,32}$/)
    .nullable(),
  /** This program's own ways of announcing it that run there. */
  by: z.array(z.enum(["keepalived", "kube-vip"])),
  /** Whether the API answers there, as seen from that machine. */
  answers: z.boolean(),
});

export type AddressReport = z.output<typeof addressReport> & {
  /** Whether the configuration wants the address there; elsewhere it may be left from the endpoint before. */
  readonly carrier: boolean;
};

/** What is wrong with the address, and what to do about it. */
export interface HolderProblem {
  /** Critical: clients reach the wrong machine, or none. */
  readonly severity: "critical" | "warning";
  readonly found: string;
  readonly next: string;
}

const list = (words: readonly string[]) => words.join(" and ");

/** Who announces the address: each may hold it once. */
function ways(reports: readonly AddressReport[]): string[] {
  const all = reports.flatMap(({ by, carrier }) => by.map((way) => (carrier ? way : `${way} of before`)));
  return [...new Set(all)].sort();
}

/**
 * Whether exactly one machine has the address, and the API answers there for all others. While an endpoint is replaced
 * by another under the same address, the old one keeps it until the end of the run: then each may hold it once. Pure.
 * @param reports of all machines of the stack, taken at about the same time
 */
export function holderProblem(address: string, reports: readonly AddressReport[]): HolderProblem | undefined {
  const holders = reports.filter((report) => report.interface !== null);
  const announced = ways(reports);
  if (holders.length === 0 && reports.length > 0 && reports.every(({ answers }) => answers)) {
    return {
      severity: "warning",
      found: `${address} answers, but no machine of the stack has it`,
      next: "A server that leaves the stack at the end of this run may have it until then. If it stays so, `arping` finds the device.",
    };
  }
  if (holders.length === 0) {
    return {
      severity: "critical",
      found: `no machine has ${address}`,
      next: "Look at what shall carry it: `kubectl -n kube-system logs -l app.kubernetes.io/name=kube-vip`, or `journalctl -u keepalived` on its machines.",
    };
  }
  if (holders.length > Math.max(1, announced.length)) {
    const places = holders.map(({ node, interface: name }) => `${node} (${name})`);
    const first = holders[0]!;
    return {
      severity: "critical",
      found: `${address} is on ${holders.length} machines: ${list(places)}; some clients reach the one, some the other`,
      next: `Keep it where it is announced (kube-vip: \`kubectl -n kube-system get lease plndr-cp-lock\` names the holder; keepalived: the machine whose journal says MASTER and hears the others) and take it away elsewhere, such as on ${first.node}: \`ip address delete ${address}/32 dev ${first.interface}\`. If it comes back, the machines do not hear each other: open VRRP (protocol 112) or the API between them.`,
    };
  }
  const deaf = reports.filter(({ answers }) => !answers);
  if (deaf.length > 0) {
    return {
      severity: "critical",
      found: `${address} is on ${list(holders.map(({ node }) => node))}, but the API does not answer there for ${list(deaf.map(({ node }) => node))}`,
      next: "A switch or a machine that remembers the address's former place forgets it within a minute; if not, another device of the LAN has the address (`arping`), or a firewall stops port 6443.",
    };
  }
  if (announced.length > 1) {
    return {
      severity: "warning",
      found: `${address} is announced by ${list(announced)}`,
      next: "The one that left the configuration goes at the end of this run.",
    };
  }
  return undefined;
}
