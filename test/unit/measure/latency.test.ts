import assert from "node:assert/strict";
import { test } from "node:test";
import { latencyOf, quantile } from "../../../measure/latency.ts";

test("quantiles are values that were seen, whatever their order", () => {
  const hundred = Array.from({ length: 100 }, (_, i) => 100 - i);
  assert.deepEqual(latencyOf(hundred), { count: 100, p50: 50, p99: 99, max: 100 });
  assert.deepEqual(latencyOf([7]), { count: 1, p50: 7, p99: 7, max: 7 });
});

test("without a request there is no latency", () => {
  assert.ok(Number.isNaN(quantile([], 0.5)));
  assert.equal(latencyOf([]).count, 0);
});
