import assert from "node:assert/strict";
import { test } from "node:test";
import type { Claim, Operation } from "../../proof/claims.ts";
import { highest, mergeClaims, mergeOperations, type Run } from "../../proof/merge.ts";
import type { Level, Seen } from "../../proof/outcomes.ts";

const date = "2027-01-02";
const [older, same, newer] = ["v1.34.4+k3s1", "v1.35.4+k3s1", "v1.35.8+k3s1"] as const;
const real = (version: string, tests = 1): Claim => ({
  code: "H1",
  level: "real k3s",
  tests,
  version,
  date: "2026-11-29",
});
const seen = (code: string, level: Level, counts: Partial<Seen> = {}): Seen => ({
  code,
  level,
  passed: 2,
  failed: 0,
  skipped: 0,
  ...counts,
});
const run = (whole: Level[], ...those: Seen[]): Run => ({ seen: those, whole: new Set(whole), date });
const always = () => true;

test("a level that ran as a whole says what its tests showed now, in the order of the table", () => {
  const known: Claim[] = [
    { code: "C1", level: "mocks", tests: 9 },
    { code: "H1", level: "stand-in", tests: 1 },
  ];
  const merged = mergeClaims(known, run(["mocks"], seen("S05", "mocks"), seen("D1", "mocks")), always);
  assert.deepEqual(merged, [
    { code: "H1", level: "stand-in", tests: 1 },
    { code: "D1", level: "mocks", tests: 2 },
    { code: "S05", level: "mocks", tests: 2 },
  ]);
});

test("one failed test takes a code's claim away; skipped ones neither prove nor disprove", () => {
  const these = [
    seen("C1", "mocks", { failed: 1 }),
    seen("C2", "mocks", { skipped: 1 }),
    seen("C3", "mocks", { passed: 0, skipped: 2 }),
  ];
  assert.deepEqual(mergeClaims([], run(["mocks"], ...these), always), [
    { code: "C2", level: "mocks", tests: 2 },
  ]);
});

test("a level of which only a part ran is left as it was", () => {
  const known: Claim[] = [{ code: "C1", level: "mocks", tests: 9 }];
  assert.deepEqual(mergeClaims(known, run([], seen("C1", "mocks"), seen("C2", "mocks")), always), known);
});

test("what was seen on real k3s stays until it is seen on no older one, or fails on the same", () => {
  const after = (k3s: string, counts: Partial<Seen> = {}) => {
    const now = seen("H1", "real k3s", { ...counts, k3s: { version: k3s } });
    return mergeClaims([real(same)], run(["real k3s"], now), always);
  };
  assert.deepEqual(after(same), [{ ...real(same, 2), date }]);
  assert.deepEqual(after(newer), [{ ...real(newer, 2), date }]);
  assert.deepEqual(after(older), [real(same)]);
  assert.deepEqual(after(same, { failed: 1 }), []);
  assert.deepEqual(after(newer, { failed: 1 }), [real(same)]);
  assert.deepEqual(after(newer, { passed: 0, skipped: 1 }), [real(same)]);
  assert.deepEqual(mergeClaims([real(same)], run(["mocks", "stand-in"]), always), [real(same)]);
});

test("nothing stays that no test bears at its level, or that the table does not have", () => {
  const known: Claim[] = [real(same), { code: "Z9", level: "mocks", tests: 1 }];
  assert.deepEqual(
    mergeClaims(known, run([]), (_, level) => level === "mocks"),
    [],
  );
});

test("the highest level of a code is the one nearest to the real thing", () => {
  const claims: Claim[] = [real(same), { code: "H1", level: "mocks", tests: 5 }];
  assert.equal(highest({ claims, operations: [] }, "H1")?.level, "real k3s");
  assert.equal(highest({ claims, operations: [] }, "H2"), undefined);
});

test("of an operation the newest k3s is known, and on that the last time", () => {
  const operation = (version: string, seconds: number): Operation => ({
    operation: "upgrade",
    seconds,
    version,
    date,
  });
  const known = [operation(same, 1), { ...operation(same, 5), operation: "restore" }];
  const secondsAfter = (measured: Operation) =>
    mergeOperations(known, [measured]).map(({ seconds }) => seconds);
  assert.deepEqual(secondsAfter(operation(same, 2)), [2, 5]);
  assert.deepEqual(secondsAfter(operation(newer, 2)), [2, 5]);
  assert.deepEqual(secondsAfter(operation(older, 2)), [1, 5]);
});
