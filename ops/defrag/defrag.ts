import { z } from "zod";
import type { Flag } from "../../components/command-line.ts";
import { waitFor } from "../../measure/wait.ts";
import { answerOf, VerbError } from "../answer.ts";
import { askMembers, problemsOf } from "../members.ts";
import { Refusal } from "../refusal.ts";
import type { TargetCluster } from "../target.ts";
import { type DefragPlan, isFull, planDefrag, type Turn } from "./plan.ts";

const report = z.object({
  node: z.string(),
  /** Bytes of the database on disk before and after, and in use. */
  before: z.number(),
  after: z.number(),
  inUse: z.number(),
  /** How long this member answered nobody, milliseconds. */
  pauseMs: z.number(),
  /** Who took over, when this member led. */
  movedTo: z.string().nullable(),
});

export type MemberReport = z.output<typeof report>;

export interface DefragResult {
  /** In the order in which it was done. */
  readonly members: readonly MemberReport[];
  /** Whether the alarm NOSPACE was raised, the history given up, and the alarm taken back. */
  readonly wasFull: boolean;
}

/** Seconds for one member; a database of 8 GB on a slow disk takes some minutes. */
const memberSeconds = 600;
/** Milliseconds in which all voters must be well again before the next one's turn. */
const calmMs = 60_000;
/** Milliseconds that servers have for a restart: they do so by themselves where the database is full. */
const restartMs = 60_000;

/**
 * Defragments etcd's members one after another and looks at all of them in between.
 * @throws Refusal before the first one; Error when a member failed, with what was done until then; the signal's reason
 * between two members
 */
export async function defrag(
  cluster: TargetCluster,
  say: (text: string) => void,
  signal: AbortSignal,
): Promise<DefragResult> {
  const { turns, full } = await plan(cluster, signal);
  const members: MemberReport[] = [];
  for (const turn of turns) {
    signal.throwIfAborted();
    say(`${turn.node}: defragmenting (${members.length + 1} of ${turns.length})`);
    try {
      const once = () => take(cluster, turn);
      members.push(full ? await waitFor(turn.node, once, { timeoutMs: restartMs, signal }) : await once());
      await waitFor("all voters well", () => whole(cluster), { timeoutMs: calmMs, signal });
    } catch (error) {
      if (members.length === 0 && error instanceof VerbError && error.refused)
        throw new Refusal(error.message);
      const done = members.map(({ node }) => node).join(", ") || "none";
      throw new Error(
        `${(error as Error).message}\nDone until then: ${done}. Run it again when that is mended`,
      );
    }
  }
  return { members, wasFull: full };
}

/** Where the database is full, a server that restarts is waited for; otherwise one that does not answer is a reason to refuse. */
async function plan(cluster: TargetCluster, signal: AbortSignal): Promise<DefragPlan> {
  const asked = await askMembers(cluster);
  if (!isFull(asked) || problemsOf(asked).length === 0) return planDefrag(asked);
  return waitFor("all voters well", async () => planDefrag(await askMembers(cluster)), {
    timeoutMs: restartMs,
    signal,
  }).catch((error: Error) => {
    signal.throwIfAborted();
    throw new Refusal(error.message);
  });
}

async function take({ remote }: TargetCluster, { node, compact, disarm }: Turn): Promise<MemberReport> {
  const switches: Flag[] = [
    ...(compact ? [["compact", null] as const] : []),
    ...(disarm ? [["disarm", null] as const] : []),
  ];
  const flags: Flag[] = [["name", node], ["deadline", memberSeconds], ...switches];
  return answerOf(
    await remote.verb(node, { verb: "defrag", flags }, { seconds: memberSeconds + 60 }),
    report,
  );
}

async function whole(cluster: TargetCluster): Promise<void> {
  const problems = problemsOf(await askMembers(cluster));
  if (problems.length > 0) throw new Error(problems.join("; "));
}
