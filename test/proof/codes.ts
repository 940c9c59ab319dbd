import { globSync, readFileSync } from "node:fs";

/** Scenarios always have two digits: S3 is a store. */
const code = /(?:S\d\d|[A-RT-Z]\d{1,2})/.source;
const codes = `(?:${code}[,:]? )*${code}(?=[,:]? )`;

/** The codes that a test's name begins with: `S05 K6 ...`, also `K2, S21: ...`. */
export function codesOf(name: string): string[] {
  const begins = new RegExp(`^${codes}`).exec(name)?.[0] ?? "";
  return begins.match(new RegExp(code, "g")) ?? [];
}

/** The codes that texts in a test file's source begin with: those of tests that did not run, too. */
export function codesIn(source: string): string[] {
  const texts = source.matchAll(new RegExp(`["'\`](?=${codes})`, "g"));
  return [...new Set([...texts].flatMap(({ index }) => codesOf(source.slice(index + 1, index + 60))))];
}

/** Which test files of a glob bear which codes. */
export function codesByFile(glob: string): Map<string, string[]> {
  const files = globSync(glob).sort();
  return new Map(files.map((file) => [file, codesIn(readFileSync(file, "utf8"))]));
}
