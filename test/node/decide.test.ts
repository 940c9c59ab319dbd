import assert from "node:assert/strict";
import { test } from "node:test";
import { functions, replies } from "./shell.ts";

type Row = readonly [...facts: (string | number)[], word: string];

/** Every row's last column is what the function must answer to the columns before it. */
async function decides(name: string, rows: readonly Row[]): Promise<void> {
  const answers = await replies(
    name,
    rows.map((row) => row.slice(0, -1)),
  );
  assert.deepEqual(
    rows.map((row, index) => `${row.slice(0, -1).join(" ")} -> ${answers[index]}`),
    rows.map((row) => `${row.slice(0, -1).join(" ")} -> ${row.at(-1)}`),
  );
}

test("S17 a server founds only when it is being created and nobody else lives", () =>
  decides("decide_membership", [
    // data, found, living, unknown, listed
    ["no", "yes", 0, 0, "unknown", "found"],
    ["no", "yes", 1, 0, "unknown", "join"],
    ["no", "yes", 1, 1, "unknown", "join"],
    ["no", "yes", 0, 1, "unknown", "unknown"],
    ["no", "no", 0, 0, "unknown", "lost"],
    ["no", "no", 0, 2, "unknown", "lost"],
    ["no", "no", 2, 0, "unknown", "join"],
    ["yes", "yes", 0, 2, "unknown", "member"],
    ["yes", "no", 0, 0, "unknown", "member"],
    ["yes", "no", 2, 0, "yes", "member"],
    ["yes", "yes", 2, 0, "no", "rejoin"],
  ]));

test("S15 M2 a k3s that is not ours is not touched, one of the other role is converted", () =>
  decides("decide_owner", [
    // wanted, found, marker, data, consent, begun
    ["server", "none", "no", "no", "none", "none", "ok"],
    ["server", "server", "yes", "yes", "none", "none", "ok"],
    ["server", "server", "no", "yes", "none", "none", "foreign"],
    ["agent", "server", "no", "yes", "none", "none", "foreign"],
    ["agent", "server", "yes", "yes", "none", "none", "convert"],
    ["server", "agent", "yes", "yes", "none", "none", "convert"],
    ["agent", "none", "yes", "no", "none", "none", "ok"],
    ["server", "server", "no", "yes", "adopt", "none", "adopt"],
    ["server", "agent", "no", "yes", "adopt", "none", "adopt-role"],
    ["server", "agent", "no", "yes", "replace", "none", "replace"],
    ["server", "server", "yes", "yes", "replace", "none", "ok"],
    ["server", "agent", "yes", "yes", "replace", "none", "convert"],
    ["server", "none", "no", "no", "adopt", "none", "ok"],
    ["server", "server", "yes", "yes", "none", "migrate", "migrate"],
    ["server", "none", "no", "no", "replace", "replace", "replace"],
  ]));

test("S19 a service that runs with what is in place is left alone", () =>
  decides("decide_service", [
    // active, recorded, wanted, unfinished, changed
    ["active", "a", "a", "", 0, "nothing"],
    ["active", "a", "b", "", 0, "restart"],
    ["active", "a", "b", "", 1, "restart"],
    ["active", "", "a", "", 0, "nothing"],
    ["active", "", "a", "server", 0, "restart"],
    ["active", "", "a", "", 1, "restart"],
    ["activating", "a", "a", "", 0, "wait"],
    ["activating", "", "a", "", 0, "wait"],
    ["activating", "a", "b", "", 1, "restart"],
    ["other", "a", "a", "", 0, "start"],
    ["other", "", "b", "server", 1, "start"],
  ]));

test("S23 a voter is restarted only while all voters are healthy", () =>
  decides("may_stop", [
    // voters, healthy, self healthy
    [3, 3, 1, "yes"],
    [3, 2, 1, "unhealthy"],
    [5, 4, 1, "unhealthy"],
    [2, 2, 1, "yes"],
    [1, 1, 1, "alone"],
    [3, 2, 0, "yes"],
    [0, 0, 0, "yes"],
  ]));

test("S34 a voter leaves only while the others have a majority", () =>
  decides("may_leave", [
    // voters, healthy others
    [1, 0, "last"],
    [2, 1, "yes"],
    [2, 0, "quorum"],
    [3, 2, "yes"],
    [3, 1, "quorum"],
    [5, 4, "yes"],
    [5, 3, "yes"],
    [5, 2, "quorum"],
  ]));

test("S35 a reinstalled machine's Node goes, another living machine's stays", async () => {
  await decides("decide_node", [
    // machine-id in the cluster, ours, answers
    ["", "m1", "no", "secret"],
    ["m1", "m1", "yes", "keep"],
    ["m1", "m1", "no", "keep"],
    ["m0", "m1", "no", "delete"],
    ["m0", "m1", "yes", "twin"],
  ]);
  await decides("decide_stale", [
    // its address, ours, answers
    ["10.0.0.1", "10.0.0.1", "yes", "remove"],
    ["10.0.0.9", "10.0.0.1", "no", "remove"],
    ["-", "10.0.0.1", "no", "remove"],
    ["10.0.0.9", "10.0.0.1", "yes", "twin"],
  ]);
});

test("S18 stale members are those with our name or address that are not ours", async () => {
  const { stdout } = await functions(
    `find_stale "$1" 10.0.0.1 kai "\${@:2}"; printf '%s\\n' "\${STALE[@]}"`,
    [
      "kai-new00000",
      "1 kai-new00000 0 10.0.0.1",
      "2 kai-old00000 1 10.0.0.1",
      "3 kai-old00001 0 10.0.0.7",
      "4 other-000000 0 10.0.0.1",
      "5 kai-2-000000 0 10.0.0.2",
      "6 - 1 10.0.0.1",
    ],
  );
  assert.deepEqual(stdout.trim().split("\n"), [
    "2 kai-old00000 1 10.0.0.1",
    "3 kai-old00001 0 10.0.0.7",
    "4 other-000000 0 10.0.0.1",
  ]);
});
