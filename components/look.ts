import { z } from "zod";
import type { NodeFacts } from "../config/facts.ts";
import { limits } from "../config/limits.ts";
import { type Judgement, judge } from "../config/measured.ts";
import { ProblemsError } from "../config/problems.ts";
import type { Session } from "../ssh/probe.ts";
import { parseRequest } from "../ssh/request.ts";
import { withSessions } from "../ssh/sessions.ts";
import { addressAnswers } from "./address-answers.ts";
import { checkNodes, type Passed } from "./check-nodes.ts";
import { flagList } from "./command-line.ts";
import { type Measurable, measure } from "./measuring.ts";
import { readFacts } from "./results.ts";
import { aboutNode, runVerb } from "./run-verb.ts";

/** Input of the preflight, as the program writes it to standard input. Secret: it holds what opens the machines. */
export const lookInput = z.strictObject({
  version: z.string(),
  checksums: z.object({ amd64: z.string().optional(), arm64: z.string().optional() }),
  limits,
  /** Whether pods reach each other over vxlan. */
  vxlan: z.boolean(),
  /** The endpoint's address, when it is one that moves. */
  vip: z.string().nullable(),
  machines: z.array(
    z.strictObject({
      /** How the machine is reached, in the words of ssh/request.ts. */
      request: z.string(),
      name: z.string(),
      role: z.enum(["server", "agent", "balancer"]),
      address: z.string(),
      /** The flags of the verb `inspect`. */
      inspect: flagList,
    }),
  ),
});

export type LookInput = z.input<typeof lookInput>;
type Input = z.output<typeof lookInput>;
type Machine = Input["machines"][number];

/** Seconds for looking at one machine; it only reads. */
const seconds = 60;

/**
 * Logs in to all machines, looks at each, and measures the nodes among them: over one connection each, at the same time.
 * Changes nothing anywhere.
 * @param say receives warnings, and that a machine is being waited for
 * @throws Error that names everything that forbids to start, on every machine: those that cannot be reached; else those
 *   that cannot become what they shall, and what is wrong between them
 */
export function lookAtAll(input: Input, say: (line: string) => void): Promise<Passed> {
  const { machines, vip } = input;
  const answering = vip === null ? false : addressAnswers(vip);
  const requests = machines.map(({ request }) => parseRequest(request));
  return withSessions(requests, say, async (sessions) => {
    const [facts, judgement] = await Promise.allSettled([
      inspectAll(machines, sessions, say),
      measured(input, sessions, answering),
    ]);
    if (facts.status === "rejected") throw facts.reason;
    if (judgement.status === "rejected") throw judgement.reason;
    for (const warning of judgement.value.warnings) say(`warning: ${warning}`);
    const named = (wanted: Machine["role"]) =>
      machines.filter(({ role }) => role === wanted).map(({ name }) => name);
    const wanted = { ...input, agents: named("agent"), balancers: named("balancer") };
    const { problems, ...passed } = checkNodes(facts.value, wanted);
    const all = [...problems, ...judgement.value.problems];
    if (all.length > 0) throw new ProblemsError("The set of machines", all);
    return passed;
  });
}

/** What is on each machine. @throws Error with the refusals of all that refuse, a line each */
async function inspectAll(
  machines: readonly Machine[],
  sessions: readonly Session[],
  say: (line: string) => void,
): Promise<NodeFacts[]> {
  const looks = await Promise.allSettled(
    machines.map(async ({ name, inspect }, index) => {
      const lines: string[] = [];
      const how = { seconds, say: (line: string) => void lines.push(line) };
      const facts = readFacts(name, await runVerb(sessions[index]!, "inspect", inspect, how));
      for (const line of lines) say(line);
      return facts;
    }),
  );
  const refusals = looks.flatMap((one, index) =>
    one.status === "rejected" ? [aboutNode(machines[index]!.name, one.reason)] : [],
  );
  if (refusals.length > 0) throw new Error(refusals.join("\n"));
  return looks.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
}

async function measured(
  { machines, vxlan, limits: asked, vip }: Input,
  sessions: readonly Session[],
  answering: Promise<boolean> | false,
): Promise<Judgement> {
  const nodes = machines.flatMap((machine, index) =>
    isNode(machine) ? [{ machine, session: sessions[index]! }] : [],
  );
  const all = await measure(
    nodes.map(({ machine }) => machine),
    vxlan,
    nodes.map(({ session }) => session),
  );
  if (!all) return { problems: [], warnings: [] };
  return judge(all, asked, (await answering) ? vip! : undefined);
}

const isNode = (machine: Machine): machine is Machine & Measurable => machine.role !== "balancer";
