import assert from "node:assert/strict";
import { test } from "node:test";
import { histogramOf, observed, parseMetrics, total } from "../../../measure/metrics.ts";

const name = "etcd_disk_wal_fsync_duration_seconds";
const text = (under1ms: number, under10ms: number, all: number, sum: number) => `
# HELP ${name} The latency.
# TYPE ${name} histogram
${name}_bucket{le="0.001"} ${under1ms}
${name}_bucket{le="0.01"} ${under10ms}
${name}_bucket{le="+Inf"} ${all}
${name}_sum ${sum}
${name}_count ${all}
another_total{path="a\\"},b=\\"c",code="200"} 3 1700000000000
another_total{code="500"} 4e+00
`;
const parse = (body: string) => parseMetrics(body, [...histogramOf(name), "another_total"]);

test("a histogram says what was observed between two looks", () => {
  const seen = observed(parse(text(1000, 1000, 1000, 1)), parse(text(1060, 1098, 1100, 1.5)), name);
  assert.equal(seen.count, 100);
  assert.ok(Math.abs(seen.mean - 0.005) < 1e-9);
  assert.deepEqual([seen.p50, seen.p99], [0.001, Number.POSITIVE_INFINITY]);
});

test("nothing observed is no figure", () => {
  const same = parse(text(5, 5, 5, 1));
  const seen = observed(same, same, name);
  assert.equal(seen.count, 0);
  assert.ok(Number.isNaN(seen.mean) && Number.isNaN(seen.p99));
});

test("labels with quotes and braces, time stamps and exponents are read", () => {
  const metrics = parse(text(0, 0, 0, 0));
  assert.equal(total(metrics, "another_total"), 7);
  assert.equal(
    total(metrics, "another_total", ({ path }) => path === 'a"},b="c'),
    3,
  );
});
