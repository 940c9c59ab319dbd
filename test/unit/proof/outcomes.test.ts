import assert from "node:assert/strict";
import { test } from "node:test";
import type { Release } from "../../../lab/prepare.ts";
import { realK3sOf } from "../../proof/labs.ts";
import { type Lab, type Outcome, seenIn } from "../../proof/outcomes.ts";

const outcome = (file: string, code: string, came: Outcome["came"] = "passed"): Outcome => ({
  file,
  name: `${code} it works`,
  came,
});
const none = () => [];

test("outcomes are counted for each code that a name bears", () => {
  const seen = seenIn(
    [outcome("a", "S05 K6"), outcome("a", "S05", "failed"), outcome("b", "K6", "skipped")],
    undefined,
    none,
  );
  assert.deepEqual(
    seen.map(({ code, level, passed, failed, skipped }) => [code, level, passed, failed, skipped]),
    [
      ["S05", "mocks", 1, 1, 0],
      ["K6", "mocks", 1, 0, 1],
    ],
  );
});

test("a file that failed by itself fails every code in it: its tests may not have run", () => {
  const seen = seenIn([{ file: "a", came: "failed" }], undefined, () => ["S05", "K6"]);
  assert.deepEqual(
    seen.map(({ code, failed }) => [code, failed]),
    [
      ["S05", 1],
      ["K6", 1],
    ],
  );
});

test("tests on machines are at the level of their own file's k3s, of several the oldest", () => {
  const labs: Lab[] = [
    { file: "real", k3s: { version: "v1.35.4+k3s1" } },
    { file: "older", k3s: { version: "v1.34.4+k3s1", unpinned: true } },
    { file: "older", k3s: { version: "v1.34.4+k3s1" } },
    { file: "standin" },
    { file: "both", k3s: { version: "v1.35.4+k3s1" } },
    { file: "both" },
  ];
  const files = ["real", "older", "standin", "both", "without"];
  const seen = seenIn(
    files.map((file) => outcome(file, "H1")),
    labs,
    none,
  );
  assert.deepEqual(
    seen.map(({ level, passed, k3s }) => [level, passed, k3s]),
    [
      ["real k3s", 2, { version: "v1.34.4+k3s1", unpinned: true }],
      ["stand-in", 3, undefined],
    ],
  );
});

test("of a lab's releases the last one counts; a sum that is not pinned is said", () => {
  const release = (version: string, standin: boolean, sha256 = "0") =>
    ({ version, standin, sha256, arch: "amd64", mirror: "" }) satisfies Release;
  assert.equal(realK3sOf([release("v1.34.2+k3s1", true)]), undefined);
  assert.deepEqual(realK3sOf([release("v1.34.4+k3s1", false), release("v1.35.4+k3s1", false)]), {
    version: "v1.35.4+k3s1",
    unpinned: true,
  });
});
