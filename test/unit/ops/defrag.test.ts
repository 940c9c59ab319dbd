import assert from "node:assert/strict";
import { test } from "node:test";
import { planDefrag } from "../../../ops/defrag/plan.ts";
import { type Asked, leaderOf, problemsOf } from "../../../ops/members.ts";
import { Refusal } from "../../../ops/refusal.ts";

const names = ["s1", "s2", "s3"];
const member = (node: string, voter = true) => ({ node, address: `192.0.2.${node.slice(1)}`, voter });

/** Three servers that are well, led by s1, with what differs. */
function asked(
  differs: {
    leader?: string | null;
    alarms?: string[];
    members?: ReturnType<typeof member>[];
    bytes?: number;
  } = {},
) {
  return names.map((node): Asked => {
    const { leader = "s1", alarms = [], bytes = 9, members = names.map((name) => member(name)) } = differs;
    return { node, view: { node, leader, members, alarms, version: "3.6.5", bytes, inUse: 3, quota: 0 } };
  });
}

test("the leader comes last, and without an alarm nothing else is done", () => {
  const { turns, full } = planDefrag(asked());
  assert.deepEqual(
    turns.map(({ node }) => node),
    ["s2", "s3", "s1"],
  );
  assert.ok(!full && turns.every(({ compact, disarm }) => !compact && !disarm));
});

test("a full database: the history is given up first, the alarm taken back last", () => {
  const { turns } = planDefrag(asked({ alarms: ["NOSPACE", "NOSPACE"] }));
  assert.deepEqual(
    turns.map(({ compact, disarm }) => [compact, disarm]),
    [
      [true, false],
      [false, false],
      [false, true],
    ],
  );
});

test("a database near its limit counts as full: k3s takes the alarm back when it restarts", () => {
  assert.ok(planDefrag(asked({ bytes: 2_000_000_000 })).full);
  assert.ok(!planDefrag(asked({ bytes: 1_000_000_000 })).full);
});

test("M3 refused: a server that is silent, a learner, a stranger, a torn leadership, a corrupt database", () => {
  const silent: Asked[] = [...asked().slice(0, 2), { node: "s3", problem: "s3: etcd here does not answer" }];
  const rows: [readonly Asked[], RegExp][] = [
    [silent, /s3: etcd here does not answer/],
    [asked({ members: [member("s1"), member("s2"), member("s3", false)] }), /s3 is no voter/],
    [
      asked({ members: [...names, "s4"].map((name) => member(name)) }),
      /s4 at 192.0.2.4 votes, but is no server/,
    ],
    [asked({ members: [member("s1"), member("s2")] }), /s3 is no member/],
    [[asked()[0]!, ...asked({ leader: "s2" }).slice(1)], /who leads etcd: s1 or s2/],
    [asked({ leader: null }), /who leads etcd: nobody/],
    [asked({ alarms: ["NOSPACE", "CORRUPT"] }), /the alarm CORRUPT/],
  ];
  for (const [state, reason] of rows)
    assert.throws(
      () => planDefrag(state),
      (error) =>
        error instanceof Refusal &&
        reason.test(error.message) &&
        /nothing was defragmented/.test(error.message),
    );
  assert.equal(leaderOf(asked({ leader: null })), undefined);
  assert.deepEqual(problemsOf(asked()), []);
});
