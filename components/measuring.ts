import { z } from "zod";
import { limits } from "../config/limits.ts";
import {
  clockCommand,
  heard,
  type Judgement,
  judge,
  listening,
  type Measured,
  measuring,
  readClock,
} from "../config/measured.ts";
import { ProblemsError } from "../config/problems.ts";
import { type Executed, execute, lastLine } from "../ssh/execute.ts";
import { openSession, type Session } from "../ssh/probe.ts";
import { parseRequest } from "../ssh/request.ts";
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

/** Seconds for one question: knocking at a silent port takes 2.5 of them, a slow disk 1.5; a busy machine a few more. */
const seconds = 30;

/** Asks a machine something, by a verb of `k3s-node`. */
type Ask = <Schema extends z.ZodType>(
  verb: string,
  schema: Schema,
  flags: readonly Flag[],
) => Promise<z.output<Schema>>;

/**
 * Measures all machines and the ways between them at the same time, over one connection each, and tells what speaks
 * against a cluster. What it starts on a machine is ended, or goes away by itself.
 * @throws ProblemsError naming everything on every machine; Error naming those that cannot be reached: the step that
 *   reaches them, at the same time, says why
 */
export async function measureAll({ machines, vip, ...asked }: Input): Promise<Judgement> {
  const answers = vip === null ? false : addressAnswers(vip);
  const sessions = await Promise.allSettled(
    machines.map(({ request }) => openSession(parseRequest(request), () => {})),
  );
  const open = sessions.flatMap((session) => (session.status === "fulfilled" ? [session.value] : []));
  try {
    const away = machines.filter((_, index) => sessions[index]!.status === "rejected");
    if (away.length > 0)
      throw new Error(
        `not measured, since ${away.map(({ name }) => name).join(", ")} cannot be reached; the next run measures`,
      );
    const asks = open.map((session, index) => askOver(session, machines[index]!.name));
    const measured = await measure({ machines, vip, ...asked }, asks);
    const judgement = judge(measured, asked.limits, (await answers) ? vip! : undefined);
    const { problems } = judgement;
    if (problems.length > 0) throw new ProblemsError("The set of machines", problems);
    return judgement;
  } finally {
    for (const session of open) session.end();
  }
}

async function measure({ machines, vxlan }: Input, asks: readonly Questions[]): Promise<Measured[]> {
  const each = <T>(work: (machine: Machine, questions: Questions, index: number) => Promise<T>) =>
    Promise.all(machines.map((machine, index) => work(machine, asks[index]!, index)));
  const servers = machines.filter(({ role }) => role === "server").map(({ name }) => name);
  const overlay: Flag[] = vxlan ? [["vxlan", null]] : [];
  const self = ({ name, role }: Machine): Flag[] => [
    ["name", name],
    ["role", role],
  ];
  const listens = await each((machine, { ask }) => ask("listen", listening, [...self(machine), ...overlay]));
  const [clocks, results] = await Promise.all([
    each((_, { clock }) => clock()),
    each((machine, { ask }) =>
      ask("measure", measuring, [
        ...self(machine),
        ["server", servers.join(",")],
        ...machines
          .filter((other) => other !== machine)
          .map(({ name, address }) => ["peer", `${name}=${address}`] as const),
        ...overlay,
      ]),
    ),
  ]);
  const said = await each(async ({ name }, { ask }, index) => {
    const { place } = listens[index]!;
    if (place === null) return [];
    return (
      await ask("unlisten", heard, [
        ["name", name],
        ["place", place],
      ])
    ).heard;
  });
  return machines.map(({ name, role }, index) => ({
    name,
    role,
    listening: listens[index]!,
    measuring: results[index]!,
    heard: said[index]!,
    clock: clocks[index]!,
  }));
}

interface Questions {
  readonly ask: Ask;
  readonly clock: () => Promise<Measured["clock"]>;
}

function askOver(session: Session, name: string): Questions {
  const { user } = session.node;
  const bundle = scriptsBundle();
  const run = (stdin: string, verb?: string, flags: readonly Flag[] = []): Promise<Executed> => {
    const command = scriptCommand(user, seconds, verb === undefined ? undefined : { verb, flags });
    return execute(session, command, { stdin, timeoutMs: (seconds + 10) * 1000 });
  };
  return {
    async ask(verb, schema, flags) {
      const { code, stdout, stderr } = await run(bundle, verb, flags);
      if (code !== 0) throw new Error(`${name}: ${verb}: ${lastLine(stderr)} (exit code ${code})`);
      const parsed = schema.safeParse(JSON.parse(stdout));
      if (parsed.success) return parsed.data;
      const fields = parsed.error.issues.map(({ path }) => path.slice(0, 2).join(".") || "the answer");
      throw new Error(`${name}: ${verb} answered with unexpected ${[...new Set(fields)].join(", ")}`);
    },
    async clock() {
      const asked = Date.now();
      const { stdout } = await run(clockCommand);
      const clock = readClock(asked, Date.now(), stdout);
      if (!clock) throw new Error(`${name}: it does not tell the time`);
      return clock;
    },
  };
}
