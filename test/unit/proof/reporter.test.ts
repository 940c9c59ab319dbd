import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, test } from "node:test";
import { projectRoot } from "../../../components/scripts.ts";
import { labsVariable } from "../../proof/labs.ts";
import type { Outcome } from "../../proof/outcomes.ts";

const directory = mkdtempSync(join(tmpdir(), "reporter-"));
after(() => rmSync(directory, { recursive: true }));

/** What the reporter writes of test files with these contents. */
function outcomesOf(files: Record<string, string>, more: NodeJS.ProcessEnv = {}): Outcome[] {
  for (const [name, content] of Object.entries(files)) writeFileSync(join(directory, name), content);
  const tests = Object.keys(files).filter((name) => name.endsWith(".test.mjs"));
  const reporter = join(projectRoot, "test/proof/reporter.ts");
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const { stdout } = spawnSync(process.execPath, ["--test", `--test-reporter=${reporter}`, ...tests], {
    cwd: directory,
    env: { ...env, ...more },
    encoding: "utf8",
  });
  const lines = stdout.split("\n").filter((line) => line !== "");
  return lines.map((line) => JSON.parse(line)).map((one) => ({ ...one, file: basename(one.file) }));
}

test("a line for every test that ended, and for a file only when it failed by itself", () => {
  const outcomes = outcomesOf({
    "a.test.mjs": `import { before, describe, test } from "node:test";
      import { helped } from "./helper.mjs";
      describe("a suite", () => {
        test("passes", () => {});
        test("fails", () => { throw new Error("x"); });
        test("is skipped", { skip: "why" }, () => {});
        test("is to be done", { todo: true }, () => { throw new Error("x"); });
      });
      describe("a suite that cannot begin", () => {
        before(() => { throw new Error("x"); });
        test("never runs", () => {});
      });
      helped();`,
    "dead.test.mjs": `import { test } from "node:test"; test("never said", () => process.exit(3));`,
    "helper.mjs": `import { test } from "node:test"; export const helped = () => test("of a helper", () => {});`,
  });
  assert.deepEqual(
    outcomes.map(({ file, name, came }) => [file, name, came]),
    [
      ["a.test.mjs", "passes", "passed"],
      ["a.test.mjs", "fails", "failed"],
      ["a.test.mjs", "is skipped", "skipped"],
      ["a.test.mjs", "is to be done", "skipped"],
      ["a.test.mjs", "never runs", "failed"],
      ["a.test.mjs", "of a helper", "passed"],
      ["dead.test.mjs", undefined, "failed"],
    ],
  );
});

test("a file tells of its lab under the name that its outcomes have", () => {
  const labs = join(directory, "labs.jsonl");
  const tell = JSON.stringify(join(projectRoot, "test/proof/labs.ts"));
  const content = `import { test } from "node:test";
    import { tellLab } from ${tell};
    test("makes a lab", () => tellLab([{ version: "v1.34.2+k3s1", standin: true }]));`;
  const [outcome] = outcomesOf({ "lab.test.mjs": content }, { [labsVariable]: labs });
  assert.deepEqual(JSON.parse(readFileSync(labs, "utf8")), { file: outcome!.file });
});
