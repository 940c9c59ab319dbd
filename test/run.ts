/**
 * `npm test`: runs every stage, goes on after a failed one, and ends with `N passed, N failed`.
 * A stage that this machine cannot run is skipped with its reason, but never under `CI=true`.
 * `npm test -- lab` runs only the stages whose title contains the word; `--record` writes docs/proof.md.
 */
import { spawn } from "node:child_process";
import { stripVTControlCharacters } from "node:util";
import { Command } from "commander";
import { type Heard, heardOf, listen, settle } from "./proof/run.ts";
import { closingLine, type Stage, stagesNamed, type Tally, tallyOf } from "./stages.ts";

const strict = process.env.CI === "true";
const command = new Command("npm test --")
  .description("Runs every stage, or those whose title contains one of the names.")
  .argument("[names...]", "parts of titles")
  .option("--record", "write what the tests show into docs/proof.json and docs/proof.md")
  .parse();
const { record = false } = command.opts<{ record?: boolean }>();

function wantedStages(): Stage[] {
  try {
    return stagesNamed(command.args);
  } catch (error) {
    console.error((error as Error).message);
    process.exit(1);
  }
}

function reasonToSkip(stage: Stage): string | undefined {
  if (strict || !stage.machines) return undefined;
  if (process.platform !== "linux") return "machines need Linux";
  if (process.getuid?.() !== 0) return "machines need root: run it with sudo";
  return undefined;
}

/** Runs one command with its output shown live; resolves to the exit code and all that it printed. */
function run(stage: Stage): Promise<{ code: number; output: string }> {
  const [program, ...args] = stage.command;
  const env = { ...process.env, ...listen(stage) };
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd: stage.cwd, env, stdio: ["ignore", "pipe", "inherit"] });
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => {
      output += chunk;
      process.stdout.write(chunk);
    });
    child.on("error", (error) => resolve({ code: 127, output: `${program}: ${error.message}\n` }));
    child.on("close", (code) => resolve({ code: code ?? 1, output: stripVTControlCharacters(output) }));
  });
}

/** Runs a stage. What its tests showed is kept only when their runner came to its end. */
async function tally(stage: Stage): Promise<Tally & { heard?: Heard | undefined }> {
  const { code, output } = await run(stage);
  if (stage.tests === undefined) {
    if (code === 127) console.error(output);
    return { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: 0 };
  }
  try {
    const counted = tallyOf(output);
    const heard = heardOf(stage);
    return code !== 0 && counted.failed === 0 ? { ...counted, failed: 1, heard } : { ...counted, heard };
  } catch (error) {
    console.error(`${stage.title}: ${(error as Error).message}`);
    return { passed: 0, failed: 1, skipped: 0 };
  }
}

/** The last test of a run: what docs/proof.md says is no more than what was seen. */
function proven(heard: readonly Heard[]): Tally {
  const problems = settle(heard, record);
  for (const problem of problems) console.error(problem);
  return { passed: problems.length === 0 ? 1 : 0, failed: problems.length === 0 ? 0 : 1, skipped: 0 };
}

const total = { passed: 0, failed: 0, skipped: 0 };
const rows: string[] = [];
function add(title: string, { passed, failed, skipped }: Tally, seconds: number): void {
  total.passed += passed;
  total.failed += failed;
  total.skipped += skipped;
  rows.push(`${failed > 0 ? "FAILED  " : "passed  "} ${title} (${seconds.toFixed(1)} s)`);
}

const heard: Heard[] = [];
for (const stage of wantedStages()) {
  const reason = reasonToSkip(stage);
  if (reason !== undefined) {
    rows.push(`skipped  ${stage.title}: ${reason}`);
    total.skipped++;
    continue;
  }
  console.log(`\n=== ${stage.title}`);
  const begun = Date.now();
  const counted = await tally(stage);
  if (counted.heard) heard.push(counted.heard);
  add(stage.title, counted, (Date.now() - begun) / 1000);
}
const nothingRan = total.passed === 0;
console.log("\n=== docs/proof.md");
add(record ? "docs/proof.md, written" : "docs/proof.md", proven(heard), 0);
console.log(`\n${rows.join("\n")}\n`);
// Under CI a skipped test is a failure: it would pass for something that nobody has seen.
const failed = total.failed + (strict ? total.skipped : 0);
console.log(closingLine({ ...total, failed }));
process.exitCode = failed > 0 || nothingRan ? 1 : 0;
