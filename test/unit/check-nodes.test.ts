import assert from "node:assert/strict";
import { test } from "node:test";
import { addressAnswers } from "../../components/address-answers.ts";
import { checkNodes, type Wanted } from "../../components/check-nodes.ts";
import type { NodeFacts } from "../../config/facts.ts";
import { problemLine } from "../../config/problems.ts";

const facts = (more: Partial<NodeFacts> = {}): NodeFacts[] =>
  ["server-1", "server-2"].map((node, index) => ({
    node,
    arch: "amd64",
    machineId: String(index).repeat(32),
    productUuid: null,
    role: "none",
    version: null,
    ...more,
  }));

const check = (found: readonly NodeFacts[], more: Partial<Wanted> = {}) =>
  checkNodes(found, {
    version: "v1.34.2+k3s1",
    checksums: { amd64: "a".repeat(64) },
    agents: [],
    balancers: [],
    ...more,
  });

test("machines that agree are let through, with what was found there", () => {
  const found = facts();
  assert.deepEqual(check(found), { problems: [], facts: found, serverRuns: false, demoted: [] });
});

test("M2: servers that shall be agents are told", () => {
  const { demoted, serverRuns } = check(facts({ role: "server" }), { agents: ["server-2", "agent-1"] });
  assert.deepEqual([demoted, serverRuns], [["server-2"], true]);
});

test("S02: cloned machines stop everything before the first change", () => {
  const { problems } = check(facts({ machineId: "0".repeat(32) }));
  assert.deepEqual(problems.length, 1);
  assert.match(problemLine(problems[0]!), /^server-2: found machineId 0+, the same as on server-1/);
});

test("P1 a balancer gets no k3s: neither its architecture nor what it was cloned from matters", () => {
  const found = [...facts(), { ...facts()[0]!, node: "lb-1", arch: "arm64" as const }];
  assert.deepEqual(check(found, { balancers: ["lb-1"] }).problems, []);
  assert.equal(check(found).problems.length, 2);
});

test("S03: an address that a machine has is noticed, whether it accepts or refuses", async () => {
  assert.equal(await addressAnswers("127.0.0.1"), true);
});
