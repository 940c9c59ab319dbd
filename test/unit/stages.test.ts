import assert from "node:assert/strict";
import { test } from "node:test";
import { closingLine, stages, stagesNamed, tallyOf } from "../stages.ts";

test("the test runner's closing lines are counted, cancelled tests as failed", () => {
  const output = "ℹ tests 9\nℹ pass 5\nℹ fail 1\nℹ cancelled 2\nℹ skipped 1\n";
  assert.deepEqual(tallyOf(output), { passed: 5, failed: 3, skipped: 1 });
});

test("a test runner that died without its closing lines has not passed", () => {
  assert.throws(() => tallyOf("ℹ tests 9\n"), /ended without its line "pass N"/);
});

test("the closing line names skipped tests only when there are any", () => {
  assert.equal(closingLine({ passed: 7, failed: 0, skipped: 0 }), "7 passed, 0 failed");
  assert.equal(closingLine({ passed: 7, failed: 1, skipped: 2 }), "7 passed, 1 failed, 2 skipped");
});

test("what makes machines comes last", () => {
  assert.deepEqual(
    stages.map(({ machines }) => machines === true),
    stages.map((_, at) => at >= stages.length - 2),
  );
});

test("stages are chosen by parts of their titles, and a name that is in none is refused with those that are", () => {
  const titles = (...names: string[]) => stagesNamed(names).map(({ title }) => title);
  assert.deepEqual(titles("browser", "unit"), ["unit, components, policies", "report in a browser"]);
  assert.deepEqual(
    titles(),
    stages.map(({ title }) => title),
  );
  assert.throws(
    () => titles("unit", "plan"),
    /no stage matches "plan"; stages are "format and lint", "types", /,
  );
});
