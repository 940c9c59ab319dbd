/** What `npm test` does for docs/proof.md: it hears what each test came to, and writes it down or compares. */
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { type Stage, stages } from "../stages.ts";
import { problemsOf } from "./check.ts";
import { codesByFile } from "./codes.ts";
import { labsVariable } from "./labs.ts";
import { type Borne, mergeClaims, type Run } from "./merge.ts";
import { type Lab, type Level, levels, type Outcome, type Seen, seenIn } from "./outcomes.ts";
import { readProof, readText, writeProof } from "./record.ts";

const labsFile = (outcomes: string) => outcomes.replace(/\.jsonl$/, "-k3s.jsonl");

/** Forgets what an earlier run of a stage left. @returns what the stage's environment needs */
export function listen({ tests }: Stage): Record<string, string> {
  if (tests === undefined) return {};
  const { outcomes } = tests;
  mkdirSync(dirname(outcomes), { recursive: true });
  for (const file of [outcomes, labsFile(outcomes)]) rmSync(file, { force: true });
  return { [labsVariable]: labsFile(outcomes) };
}

/** What the tests of a stage showed. Undefined when its runner did not come to its end. */
export interface Heard {
  readonly stage: Stage;
  readonly seen: readonly Seen[];
}

/** Reads what a stage's test runner wrote; undefined for what is none. */
export function heardOf(stage: Stage): Heard | undefined {
  if (stage.tests === undefined) return undefined;
  const { files, outcomes } = stage.tests;
  const codes = codesByFile(files);
  const labs = stage.machines ? linesOf<Lab>(labsFile(outcomes)) : undefined;
  return { stage, seen: seenIn(linesOf<Outcome>(outcomes), labs, (file) => codes.get(file) ?? []) };
}

function linesOf<Line>(file: string): Line[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}

/**
 * At the end of a run.
 * @param heard The stages that came to their end.
 * @param record Whether docs/proof.json and docs/proof.md shall say what was seen.
 * @returns what is wrong with them
 */
export function settle(heard: readonly Heard[], record: boolean): string[] {
  const counted = stages.filter(({ tests }) => tests !== undefined);
  const files = new Map(counted.map((stage) => [stage, codesByFile(stage.tests!.files)]));
  const borne: Borne = (code, level) =>
    counted
      .filter((stage) => onMachines(stage) === (level !== "mocks"))
      .some((stage) => [...files.get(stage)!.values()].some((codes) => codes.includes(code)));
  const date = new Date().toISOString().slice(0, 10);
  const run: Run = { seen: heard.flatMap(({ seen }) => seen), whole: wholeLevels(counted, heard), date };
  const before = readProof();
  if (record) writeProof({ ...before, claims: mergeClaims(before.claims, run, borne) });
  const all = new Map([...files.values()].flatMap((some) => [...some]));
  return problemsOf({ proof: readProof(), text: readText(), codesByFile: all }, run, borne);
}

const onMachines = ({ machines }: Stage) => machines === true;

/** The levels whose tests all ran. The lab shows the stand-in's only while no file of it had a real k3s. */
function wholeLevels(counted: readonly Stage[], heard: readonly Heard[]): Set<Level> {
  const ended = (machines: boolean) =>
    counted
      .filter((stage) => onMachines(stage) === machines)
      .every((stage) => heard.some((one) => one.stage === stage));
  const real = heard.some(({ seen }) => seen.some(({ level }) => level === "real k3s"));
  const whole = { mocks: ended(false), "stand-in": ended(true) && !real, "real k3s": ended(true) && real };
  return new Set(levels.filter((level) => whole[level]));
}
