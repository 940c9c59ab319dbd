import { z } from "zod";
import { factProblems, nodeFacts, serverRuns } from "../config/facts.ts";
import { ProblemsError } from "../config/problems.ts";

/** Input of the check over all nodes, as the program writes it to standard input. */
export const checkInput = z.strictObject({
  version: z.string(),
  checksums: z.object({ amd64: z.string().optional(), arm64: z.string().optional() }),
  nodes: z.array(nodeFacts),
  /** The nodes that shall be agents. */
  agents: z.array(z.string()),
});

export type CheckInput = z.input<typeof checkInput>;

/** What the check over all nodes says when nothing forbids to start. */
export interface Checked {
  /** How many nodes there are. */
  readonly checked: number;
  /** Whether a server was found to be one already. */
  readonly serverRuns: boolean;
  /** Servers that shall be agents. */
  readonly demoted: readonly string[];
}

/** @throws ProblemsError naming each node that forbids to start. */
export function checkNodes(text: string): Checked {
  const { nodes, agents, ...wish } = checkInput.parse(JSON.parse(text));
  const problems = factProblems(nodes, wish);
  if (problems.length > 0) throw new ProblemsError("The set of machines", problems);
  const demoted = nodes.filter(({ node, role }) => role === "server" && agents.includes(node));
  return {
    checked: nodes.length,
    serverRuns: serverRuns(nodes),
    demoted: demoted.map(({ node }) => node),
  };
}
