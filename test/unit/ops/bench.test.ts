import assert from "node:assert/strict";
import { test } from "node:test";
import { parseMetrics } from "../../../measure/metrics.ts";
import { figures } from "../../../ops/bench/bench.ts";
import type { Made } from "../../../ops/bench/load.ts";
import { etcdLatency, rareKind, spreadOf } from "../../../ops/bench/metrics.ts";

const access = { server: "https://192.0.2.1:6443", ca: "", cert: "", key: "" };

test("M3 figures stand by target, connection and verb, and failed requests are no latency", () => {
  const made = (ms: number, ok: boolean, more: Partial<Made> = {}): Made => ({
    target: "endpoint",
    connection: "kept",
    verb: "get",
    at: 0,
    ms,
    ok,
    ...more,
  });
  const all = figures(
    [{ name: "endpoint", access }],
    [made(3, true), made(5, true), made(10_000, false), made(7, true, { connection: "new" })],
  );
  assert.equal(all.length, 10);
  const of = (connection: string) => all.find((one) => one.connection === connection && one.verb === "get")!;
  assert.deepEqual([of("kept").count, of("kept").max, of("kept").failed], [2, 5, 1]);
  assert.equal(of("new").p50, 7);
});

const look = (server: string, lists: number, etcd: string) => ({
  server,
  metrics: parseMetrics(
    `apiserver_request_total{resource="${rareKind}",verb="LIST"} ${lists}
apiserver_request_total{resource="pods",verb="LIST"} 100
${etcd}`,
    [
      "apiserver_request_total",
      ...["bucket", "sum", "count"].map((part) => `etcd_request_duration_seconds_${part}`),
    ],
  ),
});

test("requests are counted by the servers that answered them", () => {
  const before = [look("s1", 5, ""), look("s2", 0, "")];
  const after = [look("s1", 25, ""), look("s2", 40, "")];
  assert.deepEqual(spreadOf(before, after), [
    { server: "s1", requests: 20 },
    { server: "s2", requests: 40 },
  ]);
});

test("etcd's latency is read with the labels of older and newer API servers", () => {
  const histogram = (labels: string, count: number, sum: number) => `
etcd_request_duration_seconds_bucket{${labels},le="0.005"} ${count}
etcd_request_duration_seconds_bucket{${labels},le="+Inf"} ${count}
etcd_request_duration_seconds_sum{${labels}} ${sum}
etcd_request_duration_seconds_count{${labels}} ${count}`;
  for (const labels of [
    'operation="create",type="configmaps"',
    'operation="create",type="/configmaps"',
    'operation="create",group="",resource="configmaps"',
  ]) {
    const [figure, ...others] = etcdLatency(
      [look("s1", 0, histogram(labels, 10, 1))],
      [look("s1", 0, histogram(labels, 30, 1.04))],
    );
    assert.deepEqual(others, []);
    assert.deepEqual([figure!.what, figure!.count, figure!.p99AtMost], ["create", 20, 5]);
    assert.ok(Math.abs(figure!.mean - 2) < 1e-6);
  }
});
