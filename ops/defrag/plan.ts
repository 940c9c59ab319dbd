import { type Asked, leaderOf, problemsOf, viewsOf } from "../members.ts";
import { Refusal } from "../refusal.ts";

/** One member's turn. */
export interface Turn {
  readonly node: string;
  /** Whether the history is given up before: only where the database is full, and once. */
  readonly compact: boolean;
  /** Whether the alarm NOSPACE is taken back afterwards: only the last one does, when all have room again. */
  readonly disarm: boolean;
}

export interface DefragPlan {
  /** The leader last. */
  readonly turns: readonly Turn[];
  readonly full: boolean;
}

/** etcd's own limit of its database, which k3s leaves as it is; bytes (etcd: server/storage/quota.go). */
const usualQuota = 2 * 1024 ** 3;

/**
 * Whether the database has reached its limit, or nearly. The alarm alone does not tell: while nobody can write, k3s'
 * controllers lose their leases, the server restarts, and takes the alarm back at its start. Pure.
 */
export const isFull = (asked: readonly Asked[]): boolean =>
  viewsOf(asked).some(
    ({ alarms, bytes, quota }) => alarms.includes("NOSPACE") || bytes > 0.9 * (quota || usualQuota),
  );

/**
 * Who is defragmented when. Members that do not lead come first, in the order of their names, and the leader last: it
 * hands its office over to one that is done.
 * @throws Refusal unless all voters are well and there is no alarm but NOSPACE
 */
export function planDefrag(asked: readonly Asked[]): DefragPlan {
  const problems = problemsOf(asked);
  const alarms = [...new Set(viewsOf(asked).flatMap((view) => view.alarms))];
  const unknown = alarms.filter((alarm) => alarm !== "NOSPACE");
  if (unknown.length > 0)
    problems.push(
      `etcd has the alarm ${unknown.join(", ")}, which a defragmentation does not mend: see docs/restore.md`,
    );
  if (problems.length > 0)
    throw new Refusal(
      `nothing was defragmented: a member answers nobody while its database is rewritten, so all the others must be well.\n  ${problems.join("\n  ")}\nMend that first, then run it again`,
    );
  const full = isFull(asked);
  const leader = leaderOf(asked)!;
  const others = asked.map(({ node }) => node).filter((node) => node !== leader);
  const order = [...others.sort(), leader];
  const turns = order.map((node, index) => ({
    node,
    compact: full && index === 0,
    disarm: full && index === order.length - 1,
  }));
  return { turns, full };
}
