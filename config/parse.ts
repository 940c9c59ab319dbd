import { complete, draftOf } from "./draft.ts";
import { problemsOf } from "./issues.ts";
import { type Problem, ProblemsError } from "./problems.ts";
import { rules } from "./rules.ts";
import { type ClusterConfig, clusterSchema, knownKeys } from "./schema.ts";

/** The configuration, or everything that is wrong with it. */
export type ParseResult =
  | { readonly config: ClusterConfig; readonly problems: readonly [] }
  | { readonly config: undefined; readonly problems: readonly Problem[] };

/** Checks a configuration without its secrets. Pure; never throws. */
export function parseCluster(input: Readonly<Record<string, unknown>>): ParseResult {
  const parsed = clusterSchema.safeParse(input);
  const draft = draftOf(input);
  const problems = [
    ...(parsed.success ? [] : problemsOf(parsed.error.issues, input, knownKeys)),
    ...rules.flatMap((rule) => rule(draft)),
  ];
  if (parsed.success && problems.length === 0) return { config: complete(parsed.data), problems: [] };
  return { config: undefined, problems };
}

/** As `parseCluster`, for callers that go on only with a good configuration. */
export function requireCluster(input: Readonly<Record<string, unknown>>): ClusterConfig {
  const { config, problems } = parseCluster(input);
  if (!config) throw new ProblemsError("The configuration", problems);
  return config;
}
