import assert from "node:assert/strict";
import { test } from "node:test";
import { atMost, fitLine, median } from "../../../bench/stats.ts";
import { ticksOf } from "../../../bench/stolen.ts";

test("median", () => {
  assert.deepEqual([median([3, 1, 2]), median([4, 1, 2, 3]), median([7])], [2, 2.5, 7]);
  assert.throws(() => median([]));
});

test("fitLine: points on a line, and points that are not", () => {
  const line = fitLine([1, 2, 3].map((x) => ({ x, y: 2 * x + 1 })));
  assert.deepEqual([line.slope, line.intercept, line.r2], [2, 1, 1]);
  const curve = fitLine([1, 2, 3, 4, 5].map((x) => ({ x, y: x ** 3 })));
  assert.ok(curve.r2 < 0.95, `${curve.r2}`);
});

test("atMost: the limit itself is held", () => {
  assert.equal(atMost("x", 2, 2, "s").held, true);
  assert.equal(atMost("x", 2.001, 2, "s").held, false);
});

test("the time that others took is read from where the kernel counts it", () => {
  const text = "cpu  100 20 30 4000 50 6 4 40 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n";
  assert.deepEqual(ticksOf(text), { busy: 160, stolen: 40 });
});
