import { virtualAddress } from "../../config/render.ts";
import { etcds, listed, membersOf, nodeOf, seen } from "./cluster.ts";
import type { ClusterFacts } from "./facts.ts";
import { type Finding, severities } from "./finding.ts";

/** Findings for people: what was found, and below it what is wanted and the way on. */
export function report(findings: readonly Finding[], cluster: ClusterFacts): string {
  if (findings.length === 0) return `Nothing is wrong. ${summary(cluster)}`;
  const widths = (["severity", "node", "check"] as const).map((column) =>
    Math.max(...findings.map((finding) => finding[column].length)),
  );
  const margin = " ".repeat(widths.reduce((sum, width) => sum + width + 2, 0));
  const rows = findings.flatMap(({ severity, node, check, found, wanted, remedy }) => [
    `${[severity, node, check].map((cell, column) => cell.padEnd(widths[column]! + 2)).join("")}${found}`,
    `${margin}wanted: ${wanted}`,
    `${margin}remedy: ${remedy}`,
  ]);
  return [...rows, "", `${counted(findings)}. ${summary(cluster)}`].join("\n");
}

const counted = (findings: readonly Finding[]) =>
  severities
    .map((severity) => ({
      severity,
      count: findings.filter((finding) => finding.severity === severity).length,
    }))
    .filter(({ count }) => count > 0)
    .map(({ severity, count }) => `${count} ${severity}`)
    .join(", ");

/** What the cluster is, in a line. */
function summary(cluster: ClusterFacts): string {
  const answered = seen(cluster);
  const voters = membersOf(cluster).filter(({ learner }) => !learner);
  const leading = etcds(cluster)[0]?.etcd;
  const leader = voters.find(({ id }) => id === leading?.leader);
  const address = virtualAddress(cluster.config);
  const holders = answered.filter(({ facts }) => facts.machine.vip).map(({ machine }) => machine.name);
  return [
    `${answered.length} of ${cluster.patients.length} machines answered`,
    voters.length > 0
      ? `${voters.length} voters${leader ? `, ${nodeOf(leader.name)} leads` : ""}`
      : "no etcd says who votes",
    ...(address === undefined ? [] : [`${address} is on ${listed(holders) || "no machine"}`]),
  ].join("; ");
}

/** The same for programs: stable names, one line. */
export function asJson(findings: readonly Finding[], cluster: ClusterFacts): string {
  const machines = cluster.patients.map(({ machine, facts }) => ({
    name: machine.name,
    role: machine.role,
    answered: facts !== undefined,
  }));
  return JSON.stringify({ findings, machines });
}
