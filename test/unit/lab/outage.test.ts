import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { availability, type Sample } from "../../../measure/outage.ts";

const sample = (at: number, ok: boolean): Sample => ({ at, ok, ms: 1 });
const line = (text: string) => [...text].map((c, i) => sample(i * 100, c === "+"));

const table: [string, number, number[], boolean][] = [
  ["", 0, [], false],
  ["++++", 0, [], false],
  ["++---++", 3, [300], false],
  ["+-+--+", 3, [100, 200], false],
  ["++--", 2, [100], true],
  ["-+", 1, [100], false],
];
for (const [samples, failed, outages, openEnd] of table) {
  test(`availability of "${samples}"`, () => {
    const result = availability(line(samples));
    assert.deepEqual(
      [result.total, result.failed, result.outages.map((o) => o.ms), result.openEnd],
      [samples.length, failed, outages, openEnd],
    );
    assert.equal(result.longestMs, Math.max(0, ...outages));
  });
}

test("availability: the order in which answers arrived does not matter", () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 40 }), fc.integer(), (oks, seed) => {
      const inOrder = oks.map((ok, i) => sample(i * 100, ok));
      const shuffled = [...inOrder].sort(
        (a, b) => ((a.at * 7919 + seed) % 101) - ((b.at * 7919 + seed) % 101),
      );
      assert.deepEqual(availability(shuffled), availability(inOrder));
    }),
  );
});
