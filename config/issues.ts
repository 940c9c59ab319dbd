import type { z } from "zod";
import type { Wanted } from "./grammar.ts";
import { type Problem, show } from "./problems.ts";
import { closest } from "./spelling.ts";

type Issue = z.core.$ZodIssue;

/** A path as the user would write it: `servers[1].hostKey`. Keys that are not words are quoted. */
export function pathText(path: readonly PropertyKey[]): string {
  return path.reduce<string>((sum, key) => {
    if (typeof key === "number") return `${sum}[${key}]`;
    const word = /^[A-Za-z][A-Za-z0-9]*$/.test(String(key)) ? String(key) : show(String(key));
    return sum === "" ? word : `${sum}.${word}`;
  }, "");
}

/** The value at a path of the raw input; undefined where there is none. */
export function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((value, key) => {
    if (value === null || typeof value !== "object") return undefined;
    return Object.hasOwn(value, key) ? (value as Record<PropertyKey, unknown>)[key] : undefined;
  }, input);
}

const typeWords: Readonly<Record<string, string>> = {
  array: "a list",
  object: "a mapping",
  record: "a mapping of names to values",
};

/** Sentences for keys that belong elsewhere. */
const misplaced: Readonly<Record<string, string>> = {
  datastoreEndpoint:
    "Servers keep their data in embedded etcd; an external datastore beside it would be ignored or lose data.",
};

function unknownKey(issue: Issue & { code: "unrecognized_keys" }, key: string, known: KeysAt): Problem {
  const words = known(issue.path);
  const near = closest(key, words);
  const shared = typeof issue.path[1] === "number" && known(["k3s"]).includes(key);
  return {
    path: pathText([...issue.path, key]),
    found: "a key that is not known here",
    wanted: words.length > 0 ? `one of ${words.join(", ")}` : "no such key",
    next: shared
      ? `k3s wants ${key} equal on all servers: write it once, under k3s.`
      : (misplaced[key] ?? (near ? `Did you mean ${near}?` : "Remove it.")),
  };
}

/** The keys that are known at a path of the configuration. */
export type KeysAt = (path: readonly PropertyKey[]) => readonly string[];

/** What zod found, as problems in this program's words. */
export function problemsOf(issues: readonly Issue[], input: unknown, known: KeysAt): Problem[] {
  return issues.flatMap((issue) => {
    const path = pathText(issue.path) || "the configuration";
    const found = show(valueAt(input, issue.path));
    switch (issue.code) {
      case "unrecognized_keys":
        return issue.keys.map((key) => unknownKey(issue, key, known));
      case "custom":
        return [{ path, found, ...(issue.params as Wanted) }];
      case "invalid_key":
        return [{ path, found: "this key", ...(issue.issues[0] as unknown as { params: Wanted }).params }];
      case "invalid_type":
        return [{ path, found, wanted: typeWords[issue.expected] ?? issue.expected, next: "Correct it." }];
      case "invalid_union":
        return [
          {
            path,
            found,
            wanted: "one of kube-vip, haproxy, keepalived, external, none",
            next: "Say who answers for the API.",
          },
        ];
      default:
        return [{ path, found, wanted: issue.message, next: "Correct it." }];
    }
  });
}
