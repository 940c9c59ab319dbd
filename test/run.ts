/**
 * `npm test`: runs every stage, goes on after a failed one, and ends with `N passed, N failed`.
 * A stage that this machine cannot run is skipped with its reason, but never under `CI=true`.
 * `npm test -- lab` runs only the stages whose title contains the word.
 */
import { spawn } from "node:child_process";
import { stripVTControlCharacters } from "node:util";
import { closingLine, type Stage, stages, type Tally, tallyOf } from "./stages.ts";

const strict = process.env.CI === "true";
const wanted = process.argv[2] ?? "";

function reasonToSkip(stage: Stage): string | undefined {
  if (strict || !stage.machines) return undefined;
  if (process.platform !== "linux") return "machines need Linux";
  if (process.getuid?.() !== 0) return "machines need root: run it with sudo";
  return undefined;
}

/** Runs one command with its output shown live; resolves to the exit code and all that it printed. */
function run(stage: Stage): Promise<{ code: number; output: string }> {
  const [program, ...args] = stage.command;
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd: stage.cwd, stdio: ["ignore", "pipe", "inherit"] });
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => {
      output += chunk;
      process.stdout.write(chunk);
    });
    child.on("error", (error) => resolve({ code: 127, output: `${program}: ${error.message}\n` }));
    child.on("close", (code) => resolve({ code: code ?? 1, output: stripVTControlCharacters(output) }));
  });
}

async function tally(stage: Stage): Promise<Tally> {
  const { code, output } = await run(stage);
  if (!stage.counts) {
    if (code === 127) console.error(output);
    return { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: 0 };
  }
  try {
    const counted = tallyOf(output);
    return code !== 0 && counted.failed === 0 ? { ...counted, failed: 1 } : counted;
  } catch (error) {
    console.error(`${stage.title}: ${(error as Error).message}`);
    return { passed: 0, failed: 1, skipped: 0 };
  }
}

const total = { passed: 0, failed: 0, skipped: 0 };
const rows: string[] = [];
for (const stage of stages.filter(({ title }) => title.includes(wanted))) {
  const reason = reasonToSkip(stage);
  if (reason !== undefined) {
    rows.push(`skipped  ${stage.title}: ${reason}`);
    total.skipped++;
    continue;
  }
  console.log(`\n=== ${stage.title}`);
  const begun = Date.now();
  const counted = await tally(stage);
  total.passed += counted.passed;
  total.failed += counted.failed;
  total.skipped += counted.skipped;
  const verdict = counted.failed > 0 ? "FAILED  " : "passed  ";
  rows.push(`${verdict} ${stage.title} (${((Date.now() - begun) / 1000).toFixed(1)} s)`);
}
console.log(`\n${rows.join("\n")}\n`);
// Under CI a skipped test is a failure: it would pass for something that nobody has seen.
const failed = total.failed + (strict ? total.skipped : 0);
console.log(closingLine({ ...total, failed }));
process.exitCode = failed > 0 || total.passed === 0 ? 1 : 0;
