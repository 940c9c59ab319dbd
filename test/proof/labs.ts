import { appendFileSync } from "node:fs";
import { relative } from "node:path";
import { doubt } from "../../lab/k3s/cache.ts";
import type { Release } from "../../lab/prepare.ts";
import type { Lab, RealK3s } from "./outcomes.ts";

/** The real k3s that machines end with, which is the last of their releases; undefined for the stand-in. */
export function realK3sOf(releases: readonly Release[]): RealK3s | undefined {
  const { version, sha256, standin } = releases.at(-1)!;
  if (standin) return undefined;
  return { version, ...(doubt(version, sha256) && { unpinned: true }) };
}

/** Where a test run wants to know which k3s each file had; the run sets it. */
export const labsVariable = "TEST_LABS_FILE";

/** Tells the test run, if one listens, which k3s this file's machines have. */
export function tellLab(releases: readonly Release[]): void {
  const to = process.env[labsVariable];
  if (to === undefined) return;
  const lab: Lab = { file: relative(process.cwd(), process.argv[1]!), k3s: realK3sOf(releases) };
  appendFileSync(to, `${JSON.stringify(lab)}\n`);
}
