import { z } from "zod";
import { answerOf } from "./answer.ts";
import type { TargetCluster } from "./target.ts";

const view = z.object({
  node: z.string(),
  /** The node that leads, as this one knows it. */
  leader: z.string().nullable(),
  members: z.array(z.object({ node: z.string(), address: z.string(), voter: z.boolean() })),
  /** Kinds of alarms, of whatever member. */
  alarms: z.array(z.string()),
  version: z.string(),
  /** Bytes of the database on disk and in use, and its limit (0: not said, before etcd 3.6). */
  bytes: z.number(),
  inUse: z.number(),
  quota: z.number(),
});

/** etcd as one server sees it. */
export type MemberView = z.output<typeof view>;

/** What one server said of etcd, or why it said nothing. */
export type Asked = { readonly node: string } & (
  | { readonly view: MemberView }
  | { readonly problem: string }
);

/** Seconds that a server has for its answer: one that hangs is not healthy. */
const patience = 15;

/** Asks every server of the stack, at the same time. */
export function askMembers({ servers, remote }: TargetCluster): Promise<Asked[]> {
  return Promise.all(
    servers.map(async ({ name }) => {
      const ran = await remote.verb(
        name,
        { verb: "members", flags: [["name", name]] },
        { seconds: patience },
      );
      try {
        return { node: name, view: answerOf(ran, view) };
      } catch (error) {
        return { node: name, problem: (error as Error).message };
      }
    }),
  );
}

export const viewsOf = (asked: readonly Asked[]): MemberView[] =>
  asked.flatMap((one) => ("view" in one ? [one.view] : []));

/**
 * What keeps etcd from being whole: a server of the stack that does not answer or does not vote, a learner, a member
 * that is no server of the stack, servers that do not agree on who leads. Empty when every voter is there and well. Pure.
 */
export function problemsOf(asked: readonly Asked[]): string[] {
  const silent = asked.flatMap((one) => ("problem" in one ? [one.problem] : []));
  const views = viewsOf(asked);
  const expected = asked.map(({ node }) => node);
  const strange = views.flatMap(({ node, members }) => [
    ...members
      .filter(({ voter }) => !voter)
      .map((m) => `${m.node || m.address} is no voter, as ${node} sees it`),
    ...members
      .filter((m) => m.voter && !expected.includes(m.node))
      .map((m) => `${m.node} at ${m.address} votes, but is no server of the stack`),
    ...expected
      .filter((name) => !members.some((m) => m.node === name))
      .map((name) => `${name} is no member, as ${node} sees it`),
  ]);
  const leaders = [...new Set(views.map(({ leader }) => leader ?? "nobody"))];
  const torn =
    leaders.length > 1 || leaders[0] === "nobody" ? [`who leads etcd: ${leaders.join(" or ")}`] : [];
  return [...silent, ...new Set(strange), ...torn];
}

/** Who leads, where all agree; undefined otherwise. Pure. */
export function leaderOf(asked: readonly Asked[]): string | undefined {
  const [first, ...others] = [...new Set(viewsOf(asked).map(({ leader }) => leader))];
  return others.length === 0 ? (first ?? undefined) : undefined;
}
