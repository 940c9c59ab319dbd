import assert from "node:assert/strict";
import { test } from "node:test";
import { codesIn, codesOf } from "../../proof/codes.ts";

test("a name begins with its codes, whatever stands between them", () => {
  const cases: [name: string, codes: string[]][] = [
    ["S05 a skipped minor is refused", ["S05"]],
    ["K6 M5 S31 a patch: the second server fails", ["K6", "M5", "S31"]],
    ["K2, S21: servers are a chain", ["K2", "S21"]],
    ["P5: each rotation adds a password", ["P5"]],
  ];
  for (const [name, codes] of cases) assert.deepEqual(codesOf(name), codes);
});

test("what only looks like a code is none: S3 the store, a word later in the name, a longer word", () => {
  assert.deepEqual(codesOf("S30 S3 is down: saving fails"), ["S30"]);
  for (const name of ["S3 is down", "a test of S05", "H1N1 spreads", "M1", "S055 of them"])
    assert.deepEqual(codesOf(name), [], name);
});

test("the source of a file tells the codes of tests that did not run, names made from templates among them", () => {
  const texts = ['"S05 K6 one"', "`S07, S08: $", "'P1 two'", '"S3 is no code"', '"a S09 in the middle"'];
  assert.deepEqual(codesIn(texts.join("\n")), ["S05", "K6", "S07", "S08", "P1"]);
});
