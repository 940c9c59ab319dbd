import assert from "node:assert/strict";
import { test } from "node:test";
import { type Cell, keyOf, settingsOf, setups } from "../../bench/failover/cell.ts";
import { awayMs } from "../../bench/failover/outcome.ts";
import { cells, lines, verdicts } from "../../bench/failover/report.ts";
import type { Row } from "../../bench/failover/run.ts";
import type { Sample } from "../../measure/outage.ts";

const asked = (at: number, ok: boolean, ms = 5): Sample => ({ at, ok, ms });

test("K7 the time without an answer counts, apart before and after the victim has its power again", () => {
  const samples = [
    ...[0, 100, 200].map((at) => asked(at, true)),
    asked(300, false, 1000),
    asked(400, false, 1000),
    asked(500, true, 800), // it hung with the others, and was answered
    ...[1400, 1500, 1600].map((at) => asked(at, true)),
    asked(1700, true, 180), // late, and no outage
    asked(1800, true, 90),
    asked(1900, false),
    asked(2300, true),
  ];
  // from 205 to 1300, and from 1890 to 2305, less the pace
  assert.deepEqual(awayMs(samples, 100, 1500), { before: 995, after: 315 });
  assert.deepEqual(awayMs(samples, 100, 300), { before: 995, after: 315 }, "to its end, whenever that is");
  assert.deepEqual(awayMs([asked(0, true), asked(100, false, 9000)], 100, 50), { before: 8995, after: 0 });
  assert.deepEqual(awayMs(samples.slice(0, 3), 100, 150), { before: 0, after: 0 });
  const late = [asked(0, false, 1000), asked(100, false, 1000), asked(2000, true)];
  assert.deepEqual(
    awayMs(late, 100, 3000),
    { before: 1905, after: 0 },
    "no answer from the first request on",
  );
});

test("K7 every cell belongs to a setup, and rows of other settings do not count", () => {
  assert.equal(cells.length, 24);
  for (const { endpoint, timing } of cells)
    assert.ok(setups.some((setup) => setup.endpoint === endpoint && setup.timing === timing));
  const cell: Cell = { endpoint: "haproxy", timing: "lan-ssd", victim: "other" };
  const row = (newMs: number, more: Partial<Row> = {}): Row => ({
    key: keyOf(cell),
    settings: settingsOf(cell),
    newMs,
    keptMs: 2 * newMs,
    rejoinMs: 0,
    elections: 0,
    acknowledged: 50,
    lost: 0,
    ...more,
  });
  const [line] = lines([row(100), row(300), row(400), row(9000, { settings: "of yesterday" })]);
  assert.deepEqual(line?.slice(3), ["3", "0.3 s", "0.4 s", "0.6 s", "0.8 s"]);
  const held = (rows: Row[]) => verdicts(rows).map((verdict) => verdict.held);
  const thirty = Array.from({ length: 30 }, () => row(100));
  assert.deepEqual(held(thirty), [true, true, true, true]);
  assert.deepEqual(held(thirty.slice(1)), [true, true, true, false], "too few rejoins");
  assert.deepEqual(held([...thirty, row(100, { elections: 1 })]), [true, true, true, false]);
  assert.deepEqual(held([...thirty, row(100, { lost: 1 })]), [true, true, false, true]);
  assert.deepEqual(held([...thirty, row(4000)]), [true, false, true, true]);
  assert.deepEqual(held([...thirty, row(5100)]), [false, false, true, true]);
});
