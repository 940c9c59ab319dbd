import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { longestGap } from "../../config/schedule.ts";

const minute = 60;
const hour = 60 * minute;
const day = 24 * hour;

const gaps: readonly (readonly [schedule: string, seconds: number])[] = [
  ["* * * * *", minute],
  ["*/5 * * * *", 5 * minute],
  ["0 */12 * * *", 12 * hour],
  ["0 * * * *", hour],
  ["@hourly", hour],
  ["@daily", day],
  ["@weekly", 7 * day],
  ["30 3 * * *", day],
  ["0 0,6,18 * * *", 12 * hour],
  ["0 9-17 * * *", 16 * hour],
  ["0 3 * * mon-fri", 3 * day],
  ["0 3 * * 0", 7 * day],
  ["0 0 1 * *", 31 * day],
  ["0 0 1 jan *", 366 * day],
  ["0 0 1,15 * *", 17 * day],
  // both days restricted: either will do
  ["0 0 1 * 1", 7 * day],
  // every 40 minutes of an hour is minutes 0 and 40
  ["*/40 * * * *", 40 * minute],
  ["5/20 * * * ?", 20 * minute],
];

for (const [schedule, seconds] of gaps) {
  test(`P5 the longest time between two snapshots of "${schedule}"`, () => {
    assert.equal(longestGap(schedule), seconds);
  });
}

const refused = [
  "",
  "0 */12 * *",
  "0 */12 * * * *",
  "60 * * * *",
  "* 24 * * *",
  "* * 0 * *",
  "* * * 13 *",
  "* * * * 7",
  "*/0 * * * *",
  "5-1 * * * *",
  "0  3 * * *",
  "0 0 30 2 *",
  "@sometimes",
  "@every 1h",
  "1,,2 * * * *",
  "1-2-3 * * * *",
  "* * * * *; reboot",
];

for (const schedule of refused) {
  test(`P5 "${schedule}" is no schedule: k3s would take no snapshots and say nothing`, () => {
    assert.equal(longestGap(schedule), undefined);
  });
}

test("S38 whatever is written there, it is answered", () => {
  fc.assert(fc.property(fc.string(), (text) => [undefined, "number"].includes(kind(longestGap(text)))));
});

const kind = (value: unknown) => (value === undefined ? undefined : typeof value);
