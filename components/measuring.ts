import type { z } from "zod";
import { clockCommand, readClock } from "../config/clocks.ts";
import { heard, listening, type Measured, measuring } from "../config/measured.ts";
import { converse, type Dialogue } from "../ssh/dialogue.ts";
import { execute, reasonOf } from "../ssh/execute.ts";
import type { Session } from "../ssh/probe.ts";
import { type Flag, scriptCommand } from "./command-line.ts";
import { aboutNode, bundle } from "./run-verb.ts";

/** A node that is measured. */
export interface Measurable {
  readonly name: string;
  readonly role: "server" | "agent";
  readonly address: string;
}

/** Seconds for all that is asked of a machine: the others answer meanwhile, and silent ports and slow disks take a few. */
const seconds = 60;

/**
 * Measures the nodes and the ways between them at the same time, as soon as one of them is new: where k3s runs on all,
 * it has shown what they can do. What this starts on a machine is ended, or goes away by itself.
 * @param vxlan whether pods reach each other over vxlan
 * @param open a session to each
 * @returns what was measured; undefined where no node is new
 */
export async function measure(
  machines: readonly Measurable[],
  vxlan: boolean,
  open: readonly Session[],
): Promise<Measured[] | undefined> {
  const servers = machines.filter(({ role }) => role === "server").map(({ name }) => name);
  const flags = ({ name, role }: Measurable): Flag[] => [
    ["name", name],
    ["role", role],
    ["server", servers.join(",")],
    ...machines
      .filter((other) => other.name !== name)
      .map((other) => ["peer", `${other.name}=${other.address}`] as const),
    ...(vxlan ? [["vxlan", null] as const] : []),
  ];
  const talks = await Promise.all(
    open.map((session, index) => named(machines[index]!, talk(session, flags(machines[index]!)))),
  );
  const each = <Schema extends z.ZodType>(schema: Schema, line: (talk: Dialogue) => Promise<string>) =>
    Promise.all(talks.map((one, index) => understood(machines[index]!, schema, line(one))));
  const listens = await each(listening, (one) => one.hear());
  if (!listens.some((one) => one.new)) return undefined;
  const [clocks, results] = await Promise.all([
    Promise.all(open.map((session, index) => named(machines[index]!, clockOf(session)))),
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
function talk(session: Session, flags: readonly Flag[]): Promise<Dialogue> {
  const step = { verb: "measure", flags };
  const command = scriptCommand(session.node.user, seconds, step, Buffer.byteLength(bundle()));
  return converse(session, command, { stdin: bundle(), timeoutMs: (seconds + 10) * 1000 });
}

/** What came of a machine; an error of it names the machine. */
async function named<T>({ name }: Measurable, work: Promise<T>): Promise<T> {
  return work.catch((error: Error) => {
    throw new Error(aboutNode(name, error));
  });
}

async function understood<Schema extends z.ZodType>(
  machine: Measurable,
  schema: Schema,
  line: Promise<string>,
): Promise<z.output<Schema>> {
  const parsed = schema.safeParse(JSON.parse(await named(machine, line)));
  if (parsed.success) return parsed.data;
  const fields = parsed.error.issues.map(({ path }) => path.slice(0, 2).join(".") || "the answer");
  throw new Error(`${machine.name}: it answered with unexpected ${[...new Set(fields)].join(", ")}`);
}

async function clockOf(session: Session): Promise<Measured["clock"]> {
  const asked = Date.now();
  const ran = await execute(session, clockCommand, { timeoutMs: seconds * 1000 });
  if (ran.code !== 0) throw new Error(reasonOf(ran, "`date`"));
  const clock = readClock(asked, Date.now(), ran.stdout);
  if (!clock) throw new Error("it does not tell the time. Run `date` there by hand");
  return clock;
}
