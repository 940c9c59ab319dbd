import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { factProblems, type NodeFacts } from "../../config/facts.ts";
import { problemLine } from "../../config/problems.ts";
import { compareVersions, parseVersion, upgradeProblem } from "../../config/version.ts";

const version = fc
  .tuple(...[3, 50, 30, 9].map((max) => fc.integer({ min: 0, max })))
  .map(([major, minor, patch, release]) => `v${major}.${minor}.${patch}+k3s${release}`);

test("S05: an upgrade is refused exactly when it goes back or skips a minor", () => {
  fc.assert(
    fc.property(version, version, (from, to) => {
      const [old, wish] = [parseVersion(from)!, parseVersion(to)!];
      const fine = compareVersions(wish, old) >= 0 && wish.major === old.major && wish.minor - old.minor <= 1;
      assert.equal(upgradeProblem(from, to) === undefined, fine);
    }),
  );
});

test("M5 a node that is still to be restored may go back to an older version; afterwards it may not", () => {
  const newer = { version: "v1.36.4+k3s1" };
  const saysOf = (more: Partial<NodeFacts>) => factProblems([fact("a", { ...newer, ...more })], wish).length;
  assert.deepEqual([saysOf({}), saysOf({ restore: null }), saysOf({ restore: "halted" })], [1, 0, 0]);
  assert.equal(saysOf({ restore: "done" }), 1);
  assert.equal(saysOf({ version: "v1.33.1+k3s1", restore: null }), 1, "a skipped minor stays one");
});

test("S05: what is said about a skipped minor and a downgrade", () => {
  assert.match(upgradeProblem("v1.34.2+k3s1", "v1.36.4+k3s1")?.wanted ?? "", /v1\.34 or v1\.35/);
  assert.match(upgradeProblem("v1.34.2+k3s1", "v1.34.1+k3s1")?.next ?? "", /cannot be downgraded in place/);
});

const fact = (node: string, more: Partial<NodeFacts> = {}): NodeFacts => ({
  node,
  arch: "amd64",
  machineId: Buffer.from(node.padEnd(16, ".")).toString("hex").slice(0, 32),
  productUuid: null,
  role: "none",
  version: null,
  ...more,
});
const wish = { version: "v1.35.8+k3s1", checksums: { amd64: "00" } };

for (const [name, facts, says] of [
  [
    "S02: one machine-id twice",
    [fact("a"), fact("b", { machineId: fact("a").machineId })],
    /^b: found machineId .*, the same as on a/,
  ],
  [
    "S02: one product UUID twice",
    [fact("a", { productUuid: "u" }), fact("b", { productUuid: "u" })],
    /^b: found productUuid u, the same as on a/,
  ],
  [
    "S05: downgrade seen on a node",
    [fact("a", { version: "v1.36.4+k3s1" })],
    /^a: found k3s v1\.36\.4\+k3s1 there and v1\.35\.8\+k3s1 in the stack/,
  ],
  [
    "S40: no checksum for a node's architecture",
    [fact("a", { arch: "arm64" })],
    /^a: found arm64, for which no checksum/,
  ],
] as const) {
  test(name, () => {
    const problems = factProblems(facts, wish);
    assert.equal(problems.length, 1);
    assert.match(problemLine(problems[0]!), says);
  });
}

test("S02: machines without a UUID are not clones", () => {
  assert.deepEqual(factProblems([fact("a", { role: "server" }), fact("b")], wish), []);
});
