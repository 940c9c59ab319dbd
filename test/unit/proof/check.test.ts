import assert from "node:assert/strict";
import { test } from "node:test";
import { problemsOf } from "../../proof/check.ts";
import type { Claim, Proof } from "../../proof/claims.ts";
import type { Run } from "../../proof/merge.ts";
import type { Level, Seen } from "../../proof/outcomes.ts";
import { render } from "../../proof/render.ts";

const mocked: Claim = { code: "H1", level: "mocks", tests: 2 };
const real: Claim = { code: "H1", level: "real k3s", tests: 1, version: "v1.35.4+k3s1", date: "2026-11-29" };
const seen = (counts: Partial<Seen>): Seen => ({
  code: "H1",
  level: "mocks",
  passed: 2,
  failed: 0,
  skipped: 0,
  ...counts,
});
const run = (whole: Level[], ...those: Seen[]): Run => ({
  seen: those,
  whole: new Set(whole),
  date: "2027-01-02",
});

/** The problems with these claims, docs/proof.md being what they give. */
function problems(claims: Claim[], of: Run, borne = true, codes: string[] = []): string[] {
  const proof: Proof = { claims, operations: [] };
  const known = { proof, text: render(proof), codesByFile: new Map([["a.test.ts", codes]]) };
  return problemsOf(known, of, () => borne);
}

test("claims that the run showed again are no problem; more tests than they say neither", () => {
  assert.deepEqual(problems([mocked, real], run(["mocks"], seen({}))), []);
  assert.deepEqual(problems([mocked], run(["mocks"], seen({ passed: 3 }))), []);
});

test("a claim that the run did not show is named with what was found and the way on", () => {
  const cases: [counts: Partial<Seen> | undefined, found: RegExp][] = [
    [undefined, /H1 is said to be proven at the level mocks by 2, found none\. `npm test -- --record`/],
    [{ failed: 1 }, /found 1 failed/],
    [{ passed: 1 }, /found only 1/],
  ];
  for (const [counts, found] of cases) {
    const said = problems([mocked], run(["mocks"], ...(counts ? [seen(counts)] : [])));
    assert.match(said.join("\n"), found);
  }
});

test("what did not run is no word against a claim: other levels, skipped tests, real k3s", () => {
  assert.deepEqual(problems([mocked], run([])), []);
  assert.deepEqual(problems([mocked], run(["mocks"], seen({ passed: 1, skipped: 1 }))), []);
  assert.deepEqual(problems([real], run(["mocks", "stand-in"])), []);
});

test("a claim, also one on real k3s, needs a test that bears its code, and a row that explains it", () => {
  assert.match(problems([real], run([]), false).join(), /H1 .* real k3s by 1, found no test that bears it/);
  assert.match(problems([{ ...mocked, code: "Z9" }], run([])).join(), /Z9 .* found no such code/);
});

test("a code in a test's name that the table does not have is named with its file", () => {
  assert.match(
    problems([], run([]), true, ["H1", "Z9"]).join(),
    /^a\.test\.ts: found the code Z9 in a test's name/,
  );
});

test("docs/proof.md must be what docs/proof.json gives", () => {
  const proof: Proof = { claims: [mocked], operations: [] };
  const known = { proof, text: `${render(proof)}by hand`, codesByFile: new Map() };
  assert.match(
    problemsOf(known, run([]), () => true).join(),
    /docs\/proof\.md is not what docs\/proof\.json says/,
  );
});
