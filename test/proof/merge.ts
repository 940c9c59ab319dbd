import { isOlder } from "../../config/version.ts";
import type { Claim, Operation, Proof } from "./claims.ts";
import { type Level, levels, type RealK3s, type Seen } from "./outcomes.ts";
import { rows } from "./rows.ts";

/** One run of the tests. */
export interface Run {
  readonly seen: readonly Seen[];
  /** The levels of which all tests were run. */
  readonly whole: ReadonlySet<Level>;
  /** YYYY-MM-DD */
  readonly date: string;
}

/** Whether a test bears the code at that level, whether or not it was run. */
export type Borne = (code: string, level: Level) => boolean;

/**
 * What is known after a run. What every run can show again is what this one showed. What was seen on a real k3s stays until
 * it is seen on no older one, or fails on the same. Nothing stays that no test bears any more.
 */
export function mergeClaims(known: readonly Claim[], run: Run, borne: Borne): Claim[] {
  const { whole, date } = run;
  const seen = run.seen.filter(({ level }) => whole.has(level));
  const stays = (claim: Claim) => {
    if (claim.level !== "real k3s") return !whole.has(claim.level);
    const now = seen.find(({ code, level }) => code === claim.code && level === claim.level);
    if (now?.k3s === undefined) return true;
    if (now.failed > 0) return now.k3s.version !== claim.version;
    return now.passed === 0 || isOlder(now.k3s.version, claim.version);
  };
  const kept = known.filter(stays);
  const shown = seen
    .filter(({ passed, failed }) => failed === 0 && passed > 0)
    .filter(({ code, level }) => !kept.some((claim) => claim.code === code && claim.level === level))
    .map((one) => claimOf(one, date));
  return [...kept, ...shown]
    .filter(({ code, level }) => rows.has(code) && borne(code, level))
    .sort((a, b) => place(a) - place(b));
}

function claimOf({ code, level, passed, k3s }: Seen, date: string): Claim {
  if (level !== "real k3s") return { code, level, tests: passed };
  return { code, level, tests: passed, ...(k3s as RealK3s), date };
}

const codes = [...rows.keys()];
const place = ({ code, level }: Claim) => codes.indexOf(code) * levels.length + levels.indexOf(level);

/** What is known of operations after they were measured: of each the newest k3s, and on that the last time. */
export function mergeOperations(known: readonly Operation[], measured: readonly Operation[]): Operation[] {
  const all = new Map<string, Operation>();
  for (const one of [...known, ...measured]) {
    const before = all.get(one.operation);
    if (before === undefined || !isOlder(one.version, before.version)) all.set(one.operation, one);
  }
  return [...all.values()];
}

/** The highest level at which a code is proven. */
export function highest(proof: Proof, code: string): Claim | undefined {
  const own = proof.claims.filter((claim) => claim.code === code);
  return own.sort((a, b) => levels.indexOf(b.level) - levels.indexOf(a.level))[0];
}
