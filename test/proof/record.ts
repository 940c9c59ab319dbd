/** docs/proof.json, and docs/proof.md, which is the same for people. Written by runs, never by hand. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { projectRoot } from "../../components/scripts.ts";
import { jsonOf, type Proof, proofSchema } from "./claims.ts";
import { render } from "./render.ts";

export const jsonFile = "docs/proof.json";
export const textFile = "docs/proof.md";

/** @throws with the fields that are not as they should be */
export function readProof(): Proof {
  const read = proofSchema.safeParse(JSON.parse(readFileSync(join(projectRoot, jsonFile), "utf8")));
  if (!read.success) throw new Error(`${jsonFile}: ${z.prettifyError(read.error)}`);
  return read.data;
}

/** What people read now. */
export const readText = (): string => readFileSync(join(projectRoot, textFile), "utf8");

/** Writes both files. */
export function writeProof(proof: Proof): void {
  writeFileSync(join(projectRoot, jsonFile), jsonOf(proof));
  writeFileSync(join(projectRoot, textFile), render(proof));
}
