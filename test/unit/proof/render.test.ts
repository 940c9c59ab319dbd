import assert from "node:assert/strict";
import { test } from "node:test";
import { jsonOf, type Proof, proofSchema } from "../../proof/claims.ts";
import { render } from "../../proof/render.ts";
import { rows } from "../../proof/rows.ts";

const onRealK3s = { version: "v1.35.4+k3s1", date: "2026-11-29" };
const proof: Proof = {
  claims: [
    { code: "H1", level: "mocks", tests: 2 },
    { code: "H1", level: "real k3s", tests: 1, ...onRealK3s, unpinned: true },
    { code: "S05", level: "mocks", tests: 7 },
  ],
  operations: [
    {
      operation: "an upgrade | by a minor",
      seconds: 60.04,
      longestMs: 6400,
      refused: 44,
      total: 2000,
      lost: 0,
      ...onRealK3s,
    },
    { operation: "bring-up", seconds: 77, ...onRealK3s },
  ],
};

test("each row says its highest level, and what has no test is not proven", () => {
  const lines = render(proof).split("\n");
  const row = (code: string) => lines.find((line) => line.startsWith(`| ${code} |`));
  assert.match(
    row("H1")!,
    /\| real k3s v1\.35\.4\+k3s1 \(sum not pinned\), 2026-11-29 \| 2 with mocks, 1 on real k3s \|$/,
  );
  assert.match(row("S05")!, /\| mocks \| 7 with mocks \|$/);
  assert.match(row("H2")!, /\| not proven \| {2}\|$/);
  assert.ok([...rows.keys()].every((code) => row(code)));
});

test("the counts at the top are those of the rows", () => {
  assert.match(
    render(proof),
    new RegExp(`Of ${rows.size} rows .*1 real k3s, 0 stand-in, 1 mocks, not proven ${rows.size - 2}`),
  );
});

test("operations stand there with what was measured, and not at all while none was", () => {
  assert.match(
    render(proof),
    /\| an upgrade \\\| by a minor \| 60\.0 s \| 6\.4 s \| 44 of 2000 \| 0 \| v1\.35\.4\+k3s1, 2026-11-29 \|/,
  );
  assert.match(render(proof), /\| bring-up \| 77\.0 s \| {2}\| {2}\| {2}\| v1/);
  assert.doesNotMatch(render({ ...proof, operations: [] }), /## Operations/);
});

test("docs/proof.json has a line for each row, and reads back as it was", () => {
  const text = jsonOf(proof);
  assert.equal(text.split("\n").filter((line) => line.startsWith('    {"')).length, 5);
  assert.deepEqual(proofSchema.parse(JSON.parse(text)), proof);
  assert.equal(jsonOf({ claims: [], operations: [] }), '{\n  "claims": [],\n  "operations": []\n}\n');
});

test("a claim on real k3s without its version or day is none", () => {
  const claims = [{ code: "H1", level: "real k3s", tests: 1, version: "v1.35" }];
  assert.equal(proofSchema.safeParse({ claims, operations: [] }).success, false);
});
