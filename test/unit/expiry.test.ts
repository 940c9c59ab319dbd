import assert from "node:assert/strict";
import { test } from "node:test";
import { expiryWarnings } from "../../components/expiry.ts";

const now = new Date("2026-11-20T12:00:00Z");

for (const [end, says] of [
  ["2027-11-20T12:00:00Z", undefined],
  ["2026-12-20T12:00:00Z", undefined],
  ["2026-12-20T11:59:59Z", /in 29 days.* Raise rotate\.certificates by one/],
  ["2026-11-21T13:00:00Z", /in a day/],
  ["2026-11-20T12:00:01Z", /in 0 days/],
  ["2026-11-20T11:59:59Z", /ended on 2026-11-20T11:59:59Z/],
] as const) {
  test(`M6: certificates that end on ${end}, seen on ${now.toISOString()}`, () => {
    const warnings = expiryWarnings({ "server-1": "2099-01-01T00:00:00Z", "server-2": end }, now);
    assert.equal(warnings.length, says ? 1 : 0);
    if (says) assert.match(warnings[0]!, says);
    for (const warning of warnings) assert.match(warning, /^server-2: /);
  });
}
