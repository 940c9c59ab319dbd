import { isOlder } from "../../config/version.ts";
import { codesOf } from "./codes.ts";

/** How near to the real thing a test is, the farthest first. */
export const levels = ["mocks", "stand-in", "real k3s"] as const;
export type Level = (typeof levels)[number];

/** What a test came to, as the reporter writes it. */
export interface Outcome {
  readonly file: string;
  /** Absent: the file itself failed, and the tests in it may not have run. */
  readonly name?: string;
  readonly came: "passed" | "failed" | "skipped";
}

/** A real k3s. */
export interface RealK3s {
  readonly version: string;
  /** True when its binary has not the sum that config/releases.ts pins for that version. */
  readonly unpinned?: true;
}

/** The k3s of a lab that a test file made; without `k3s` it was the stand-in. */
export interface Lab {
  readonly file: string;
  readonly k3s?: RealK3s | undefined;
}

/** What one run showed of one code at one level. */
export interface Seen {
  readonly code: string;
  readonly level: Level;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** At the level of real k3s: the oldest that one of the tests ran on. */
  readonly k3s?: RealK3s | undefined;
}

/**
 * Outcomes by code and level. Where the outcome is that of a whole file, every code in it counts as failed.
 * @param labs Given for the tests on machines: a file whose labs all had a real k3s is at that level.
 * @param codesIn The codes that a file bears.
 */
export function seenIn(
  outcomes: readonly Outcome[],
  labs: readonly Lab[] | undefined,
  codesIn: (file: string) => readonly string[],
): Seen[] {
  const seen = new Map<string, Seen>();
  for (const { file, name, came } of outcomes) {
    const { level, k3s } = labs ? levelOf(file, labs) : { level: "mocks" as const };
    for (const code of name === undefined ? codesIn(file) : codesOf(name)) {
      const key = `${code} ${level}`;
      const before = seen.get(key) ?? { code, level, passed: 0, failed: 0, skipped: 0 };
      seen.set(key, { ...before, [came]: before[came] + 1, k3s: oldest([before.k3s, k3s]) });
    }
  }
  return [...seen.values()];
}

function levelOf(file: string, labs: readonly Lab[]): { level: Level; k3s?: RealK3s | undefined } {
  const own = labs.filter((lab) => lab.file === file).map(({ k3s }) => k3s);
  const real = own.length > 0 && own.every((k3s) => k3s !== undefined);
  return real ? { level: "real k3s", k3s: oldest(own) } : { level: "stand-in" };
}

/** The oldest of them; where several are as old, one that is not pinned. */
function oldest(all: readonly (RealK3s | undefined)[]): RealK3s | undefined {
  return all
    .filter((k3s) => k3s !== undefined)
    .reduce<RealK3s | undefined>(
      (least, k3s) =>
        least === undefined ||
        isOlder(k3s.version, least.version) ||
        (k3s.version === least.version && k3s.unpinned)
          ? k3s
          : least,
      undefined,
    );
}
