/** One thing that is wrong with the configuration or with the machines it names. */
export interface Problem {
  /** Where it is, as the user wrote it: `servers[1].hostKey`, or the node's name. */
  readonly path: string;
  /** What is there now. Never a secret's value. */
  readonly found: string;
  /** What would be accepted. */
  readonly wanted: string;
  /** What to do about it. */
  readonly next: string;
}

/** One problem on one line: path, what was found, what is wanted, and the way on. */
export function problemLine(problem: Problem): string {
  return `${problem.path}: found ${problem.found}; wanted ${problem.wanted}. ${problem.next}`;
}

/** All problems of one kind of input, reported together so that one edit can mend them all. */
export class ProblemsError extends Error {
  readonly problems: readonly Problem[];

  /** @param what the subject of the sentence, for example "The configuration of stack lab". */
  constructor(what: string, problems: readonly Problem[]) {
    const count = problems.length === 1 ? "one problem" : `${problems.length} problems`;
    const lines = problems.map((problem) => `  - ${problemLine(problem)}`);
    super([`${what} has ${count}. Nothing was changed.`, ...lines].join("\n"));
    this.name = "ProblemsError";
    this.problems = problems;
  }
}

const longestShown = 60;

/** Control and format characters that JSON leaves as they are; a terminal would obey them. */
const invisible = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/**
 * A value as an error may show it: escaped, short, and never a secret. `secret` says that the place itself is
 * secret; text that looks like key material is hidden wherever it stands.
 */
export function show(value: unknown, secret = false): string {
  if (value === undefined) return "nothing";
  if (secret) return "a value that is not shown";
  if (typeof value === "string" && /PRIVATE KEY|K10[0-9a-f]{8}/.test(value)) {
    return "key material that is not shown";
  }
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (value !== null && typeof value === "object") return "a mapping";
  return printable(JSON.stringify(value), longestShown);
}

/** A text that somebody else wrote, as it may stand in a sentence: on one line, without what a terminal would obey, and short. */
export function printable(value: string, most = 240): string {
  const text = value.replace(invisible, (c) => `\\u${c.codePointAt(0)!.toString(16).padStart(4, "0")}`);
  return text.length > most ? `${text.slice(0, most)}... (${text.length} characters)` : text;
}
