/** What is known to be proven, as docs/proof.json has it. */
import { z } from "zod";
import { exactVersion } from "../../config/version.ts";

const onRealK3s = {
  version: z.string().regex(exactVersion),
  unpinned: z.literal(true).optional(),
  date: z.iso.date(),
};

/** One code at one level, and how many tests showed it. */
const claim = z.discriminatedUnion("level", [
  z.strictObject({ code: z.string(), level: z.enum(["mocks", "stand-in"]), tests: z.int().positive() }),
  z.strictObject({
    code: z.string(),
    level: z.literal("real k3s"),
    tests: z.int().positive(),
    ...onRealK3s,
  }),
]);

/** What one operation cost on real k3s, as clients of the endpoint saw it; they are absent where none asked. */
const operation = z.strictObject({
  operation: z.string(),
  seconds: z.number(),
  /** The longest time without an answer, ms. */
  longestMs: z.number().optional(),
  /** Requests that got no answer, of how many. */
  refused: z.int().optional(),
  total: z.int().optional(),
  /** Acknowledged writes that were not there afterwards. */
  lost: z.int().optional(),
  ...onRealK3s,
});

export const proofSchema = z.strictObject({ claims: z.array(claim), operations: z.array(operation) });

export type Claim = z.infer<typeof claim>;
export type Operation = z.infer<typeof operation>;
export type Proof = z.infer<typeof proofSchema>;

/** A line for each row, so that a changed row is a changed line. Pure. */
export function jsonOf(proof: Proof): string {
  const lists = Object.entries(proof).map(([name, list]) => {
    const lines = list.map((row) => `\n    ${JSON.stringify(row)}`);
    return `  "${name}": [${lines.join(",")}${lines.length > 0 ? "\n  " : ""}]`;
  });
  return `{\n${lists.join(",\n")}\n}\n`;
}
