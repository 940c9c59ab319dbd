import { z } from "zod";
import { clockCommand, readClock } from "../config/clocks.ts";
import { limits } from "../config/limits.ts";
import { heard, type Judgement, judge, listening, type Measured, measuring } from "../config/measured.ts";
import { ProblemsError } from "../config/problems.ts";
import { converse, type Dialogue } from "../ssh/dialogue.ts";
import { execute } from "../ssh/execute.ts";
import type { Session } from "../ssh/probe.ts";
import { parseRequest } from "../ssh/request.ts";
import { UnreachedError, withSessions } from "../ssh/sessions.ts";
import { addressAnswers } from "./address-answers.ts";
import { type Flag, scriptCommand } from "./command-line.ts";
import { scriptsBundle } from "./scripts.ts";

/** Input of the step that measures, as the program writes it to standard input. Secret: it holds what opens the nodes. */
export const measureInput = z.strictObject({
  limits,
  /** Whether pods reach each other over vxlan. */
  vxlan: z.boolean(),
  /** The endpoint's address, when it is one that moves. */
  vip: z.string().nullable(),
  machines: z.array(
    z.strictObject({
      /** How the machine is reached, in the words of ssh/reach.ts. */
      request: z.string(),
      name: z.string(),
      role: z.enum(["server", "agent"]),
      address: z.string(),
    }),
  ),
});

export type MeasureInput = z.input<typeof measureInput>;
type Input = z.output<typeof measureInput>;
type Machine = Input["machines"][number];

/** Seconds for all that is asked of a machine: the others answer meanwhile, and silent ports and slow disks take a few. */
const seconds = 60;

/**
 * Measures all machines and the ways between them at the same time, over one connection each, and tells what speaks
 * against a cluster. What it starts on a machine is ended, or goes away by itself.
 * @throws ProblemsError naming everything on every machine; Error naming those that cannot be reached: the step that
 *   reaches them, at the same time, says why
 */
export async function measureAll({ machines, vip, vxlan, limits: asked }: Input): Promise<Judgement> {
  const answers = vip === null ? false : addressAnswers(vip);
  const requests = machines.map(({ request }) => parseRequest(request));
  const use = (sessions: readonly Session[]) => measure({ machines, vxlan }, sessions);
  const measured = await withSessions(requests, () => {}, use).catch((error: Error) => {
    if (!(error instanceof UnreachedError)) throw error;
    throw new Error(`not measured, since ${error.names.join(", ")} cannot be reached; the next run measures`);
  });
  const judgement = judge(measured, asked, (await answers) ? vip! : undefined);
  const { problems } = judgement;
  if (problems.length > 0) throw new ProblemsError("The set of machines", problems);
  return judgement;
}

async function measure(
  { machines, vxlan }: Pick<Input, "machines" | "vxlan">,
  open: readonly Session[],
): Promise<Measured[]> {
  const servers = machines.filter(({ role }) => role === "server").map(({ name }) => name);
  const flags = ({ name, role }: Machine): Flag[] => [
    ["name", name],
    ["role", role],
    ["server", servers.join(",")],
    ...machines
      .filter((other) => other.name !== name)
      .map((other) => ["peer", `${other.name}=${other.address}`] as const),
    ...(vxlan ? [["vxlan", null] as const] : []),
  ];
  const bundle = scriptsBundle();
  const talks = await Promise.all(
    open.map((session, index) => talk(session, bundle, flags(machines[index]!))),
  );
  const each = <Schema extends z.ZodType>(schema: Schema, line: (talk: Dialogue) => Promise<string>) =>
    Promise.all(talks.map(async (one, index) => understood(machines[index]!, schema, line(one))));
  const listens = await each(listening, (one) => one.hear());
  const [clocks, results] = await Promise.all([
    Promise.all(open.map((session, index) => clockOf(session, machines[index]!))),
    each(measuring, (one) => one.ask("measure")),
  ]);
  const said = await each(heard, (one) => one.ask("end"));
  return machines.map(({ name, role }, index) => ({
    name,
    role,
    listening: listens[index]!,
    measuring: results[index]!,
    heard: said[index]!.heard,
    clock: clocks[index]!,
  }));
}

/** The scripts travel over standard input, since none may be there yet; what it is told comes after them. */
function talk(session: Session, bundle: string, flags: readonly Flag[]): Promise<Dialogue> {
  const step = { verb: "measure", flags };
  const command = scriptCommand(session.node.user, seconds, step, Buffer.byteLength(bundle));
  return converse(session, command, { stdin: bundle, timeoutMs: (seconds + 10) * 1000 });
}

async function understood<Schema extends z.ZodType>(
  { name }: Machine,
  schema: Schema,
  line: Promise<string>,
): Promise<z.output<Schema>> {
  const told = await line.catch((error: Error) => {
    throw new Error(`${name}: ${error.message}`);
  });
  const parsed = schema.safeParse(JSON.parse(told));
  if (parsed.success) return parsed.data;
  const fields = parsed.error.issues.map(({ path }) => path.slice(0, 2).join(".") || "the answer");
  throw new Error(`${name}: it answered with unexpected ${[...new Set(fields)].join(", ")}`);
}

async function clockOf(session: Session, { name }: Machine): Promise<Measured["clock"]> {
  const asked = Date.now();
  const { stdout } = await execute(session, clockCommand, { timeoutMs: seconds * 1000 });
  const clock = readClock(asked, Date.now(), stdout);
  if (!clock) throw new Error(`${name}: it does not tell the time`);
  return clock;
}
