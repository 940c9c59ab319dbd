/** What `npm test` runs, in order: the fast first, so that a slip shows within seconds. */

/** One command of the test run. */
export interface Stage {
  /** Shown in the output and in the summary. */
  readonly title: string;
  /** Program and arguments, found on PATH (npm puts `node_modules/.bin` first). */
  readonly command: readonly [string, ...string[]];
  /** When the command is Node's test runner: its test files, and where it writes a line for each test that ended. */
  readonly tests?: { readonly files: string; readonly outcomes: string };
  /** True when the stage makes machines: it needs root and Linux. */
  readonly machines?: boolean;
  /** Directory, relative to the project; the project itself when absent. */
  readonly cwd?: string;
}

/** Node's test runner; a test that hangs fails, so that a run always ends. */
function testRunner(
  name: string,
  files: string,
  minutes: number,
  ...flags: string[]
): Pick<Stage, "command" | "tests"> {
  const outcomes = `reports/tests/${name}.jsonl`;
  const reporters = [
    "--test-reporter=spec",
    "--test-reporter-destination=stdout",
    "--test-reporter=./test/proof/reporter.ts",
    `--test-reporter-destination=${outcomes}`,
  ];
  const limit = `--test-timeout=${minutes * 60_000}`;
  return { command: ["node", "--test", ...reporters, limit, ...flags, files], tests: { files, outcomes } };
}

export const stages: readonly Stage[] = [
  { title: "format and lint", command: ["biome", "check", "."] },
  { title: "types", command: ["tsc", "--noEmit"] },
  { title: "shellcheck", command: ["bash", "test/shellcheck.sh"] },
  {
    title: "unit, components, policies",
    // many of them wait; Node would run one file less at a time than there are cores, on two cores one
    ...testRunner("fast", "test/{unit,components,policy,ssh,node}/**/*.test.ts", 3, "--test-concurrency=3"),
  },
  { title: "report in a browser", ...testRunner("browser", "test/browser/**/*.test.ts", 3) },
  {
    title: "Go: provider stand-ins",
    command: ["nice", "go", "test", "./..."],
    cwd: "lab/toolchain",
  },
  { title: "Go: k3s stand-in", command: ["nice", "go", "test", "./..."], cwd: "lab/standin" },
  {
    title: "lab: what it stands on",
    command: ["node", "test/prepare-lab.ts"],
    machines: true,
  },
  {
    title: "lab",
    // with two labs at a time, two cores were idle for a third of the time
    ...testRunner("lab", "test/lab/**/*.test.ts", 20, "--test-concurrency=3"),
    machines: true,
  },
];

/**
 * The stages whose title contains one of the names; all when none is given.
 * @throws when a name is in no title
 */
export function stagesNamed(names: readonly string[]): Stage[] {
  const strange = names.find((name) => !stages.some(({ title }) => title.includes(name)));
  if (strange !== undefined)
    throw new Error(
      `no stage matches "${strange}"; stages are ${stages.map(({ title }) => `"${title}"`).join(", ")}. ` +
        "Tests by their name: node --test --test-name-pattern=NAME FILE",
    );
  return stages.filter(({ title }) => names.length === 0 || names.some((name) => title.includes(name)));
}

/** Passed and failed tests of one stage. */
export interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/**
 * Reads the closing lines of Node's test runner (`ℹ pass 12`). Cancelled tests count as failed.
 * Throws when the lines are missing: a runner that died is not a runner that passed.
 */
export function tallyOf(output: string): Tally {
  const count = (word: string): number => {
    const found = [...output.matchAll(new RegExp(`^(?:ℹ|#) ${word} (\\d+)$`, "gm"))].at(-1);
    if (found === undefined) throw new Error(`the test runner ended without its line "${word} N"`);
    return Number(found[1]);
  };
  return { passed: count("pass"), failed: count("fail") + count("cancelled"), skipped: count("skipped") };
}

/** The closing line of the whole run. Skipped tests are named only when there are any. */
export function closingLine(total: Tally): string {
  const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : "";
  return `${total.passed} passed, ${total.failed} failed${skipped}`;
}
