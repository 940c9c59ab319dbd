import assert from "node:assert/strict";
import { test } from "node:test";
import { quorumOf } from "../../../config/quorum.ts";
import type { DrillResult } from "../../../ops/drill/drill.ts";
import { type Scenario, type Situation, victimOf } from "../../../ops/drill/scenario.ts";
import { verdict } from "../../../ops/drill/show.ts";
import { Refusal } from "../../../ops/refusal.ts";

const situation: Situation = {
  provider: "kube-vip",
  servers: ["s1", "s2", "s3"],
  balancers: [],
  holders: ["s2"],
  leader: "s3",
};
const balanced: Situation = {
  ...situation,
  provider: "haproxy",
  balancers: ["lb-1", "lb-2"],
  holders: ["lb-2"],
};

test("P6 each scenario hits whom it shall", () => {
  const rows: [Scenario, Situation, string | undefined, string][] = [
    ["vip-holder", situation, undefined, "s2"],
    ["reboot", situation, undefined, "s3"],
    ["reboot", situation, "s1", "s1"],
    ["cut-off", situation, undefined, "s3"],
    ["cut-off", balanced, "s2", "s2"],
    ["balancer", balanced, undefined, "lb-2"],
  ];
  for (const [scenario, found, wanted, victim] of rows)
    assert.equal(victimOf(scenario, found, wanted), victim);
});

test("K5 refused: nobody to hit, or a cluster that would not survive it", () => {
  const rows: [Scenario, Situation, string | undefined, RegExp][] = [
    ["reboot", { ...situation, servers: ["s1"] }, undefined, /1 voters, of which 1 are needed/],
    ["cut-off", { ...situation, servers: ["s1", "s2"] }, undefined, /2 voters, of which 2 are needed/],
    ["vip-holder", { ...situation, servers: ["s1"], holders: ["s1"] }, undefined, /without one of them/],
    ["vip-holder", { ...situation, holders: ["s1", "s2"] }, undefined, /is on s1 and s2, want exactly one/],
    ["vip-holder", { ...situation, holders: [] }, undefined, /is on no machine/],
    ["vip-holder", balanced, undefined, /no server holds its address.*balancer/],
    ["vip-holder", situation, "s1", /leave it out/],
    ["cut-off", situation, "s9", /--server s9: found the servers s1, s2, s3/],
    ["balancer", situation, undefined, /0 balancers/],
    ["balancer", { ...balanced, balancers: ["lb-1"] }, undefined, /the loss of the endpoint/],
  ];
  for (const [scenario, found, wanted, reason] of rows)
    assert.throws(
      () => victimOf(scenario, found, wanted),
      (error) => error instanceof Refusal && reason.test(error.message),
      `${scenario} ${reason}`,
    );
});

test("a majority is more than half", () => {
  assert.deepEqual([1, 2, 3, 4, 5, 7].map(quorumOf), [1, 2, 2, 3, 3, 4]);
});

test("a lost write is in the first sentence, and not to be overlooked", () => {
  const newConnections = { total: 9, failed: 0, outages: [], longestMs: 4_100, openEnd: false };
  const result = {
    newConnections,
    writes: { acknowledged: 90, lost: ["drill-7"], longestPauseMs: 9 },
  } as unknown;
  assert.equal(
    verdict(result as DrillResult),
    "The API was away for 4.1 s; 1 of 90 ACKNOWLEDGED WRITES ARE LOST.",
  );
});
