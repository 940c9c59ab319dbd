import type { Claim, Proof } from "./claims.ts";
import type { Borne, Run } from "./merge.ts";
import { jsonFile, textFile } from "./record.ts";
import { render } from "./render.ts";
import { rows } from "./rows.ts";

const wayOn = "`npm test -- --record` writes down what the tests show";

/**
 * What docs/proof.md says beyond what the tests show, and codes that nobody explains. Claims are compared with the levels
 * that ran as a whole; one on real k3s stands for its day, while a test bears its code.
 * @param text What docs/proof.md is.
 * @param codesByFile The codes that each test file bears.
 */
export function problemsOf(
  { proof, text, codesByFile }: { proof: Proof; text: string; codesByFile: ReadonlyMap<string, string[]> },
  run: Run,
  borne: Borne,
): string[] {
  const unknown = [...codesByFile].flatMap(([file, codes]) =>
    codes
      .filter((code) => !rows.has(code))
      .map(
        (code) =>
          `${file}: found the code ${code} in a test's name, want one of test/proof/rows.ts. Name the test otherwise, or say there what ${code} stands for`,
      ),
  );
  const unproven = proof.claims.flatMap((claim) => {
    const found = lackOf(claim, run, borne);
    if (found === undefined) return [];
    const { code, level, tests } = claim;
    return [
      `${jsonFile}: ${code} is said to be proven at the level ${level} by ${tests}, found ${found}. ${wayOn}`,
    ];
  });
  const other = text === render(proof) ? [] : [`${textFile} is not what ${jsonFile} says. ${wayOn}`];
  return [...unknown, ...unproven, ...other];
}

/** What is missing for a claim, if anything. */
function lackOf({ code, level, tests }: Claim, { seen, whole }: Run, borne: Borne): string | undefined {
  if (!rows.has(code)) return "no such code in test/proof/rows.ts";
  if (!borne(code, level)) return "no test that bears it";
  if (level === "real k3s" || !whole.has(level)) return undefined;
  const now = seen.find((one) => one.code === code && one.level === level);
  if (now === undefined) return "none";
  if (now.failed > 0) return `${now.failed} failed`;
  // a test that this machine cannot run is no word against it; under CI it is a failure of the run
  return now.passed + now.skipped < tests ? `only ${now.passed}` : undefined;
}
