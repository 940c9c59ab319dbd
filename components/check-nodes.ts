import { factProblems, type NodeFacts, serverRuns, type Wish } from "../config/facts.ts";
import type { Problem } from "../config/problems.ts";

/** What the preflight says of all machines when nothing forbids to start. */
export interface Passed {
  /** What was found on each, in the order of the stack. */
  readonly facts: readonly NodeFacts[];
  /** Whether the cluster lives already: what is changed then is changed on the servers before the agents. */
  readonly serverRuns: boolean;
  /** Servers that shall be agents: they leave etcd one after another, when all servers are done. */
  readonly demoted: readonly string[];
}

/** What the machines shall become, as far as it is compared with what was found there. */
export interface Wanted extends Wish {
  /** The nodes that shall be agents. */
  readonly agents: readonly string[];
  /** Machines that shall be no nodes. */
  readonly balancers: readonly string[];
}

/** What forbids to start, seen over all machines, and what decisions rest on where nothing does. Pure. */
export function checkNodes(facts: readonly NodeFacts[], wanted: Wanted): Passed & { problems: Problem[] } {
  const nodes = facts.filter(({ node }) => !wanted.balancers.includes(node));
  const demoted = nodes.filter(({ node, role }) => role === "server" && wanted.agents.includes(node));
  return {
    problems: factProblems(nodes, wanted),
    facts,
    serverRuns: serverRuns(nodes),
    demoted: demoted.map(({ node }) => node),
  };
}
