import { relative, resolve } from "node:path";
import type { TestEvent } from "node:test/reporters";
import type { Outcome } from "./outcomes.ts";

/** A reporter for Node's test runner, beside the one for people: one line of JSON for what ended. */
export default async function* lines(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const event of events) {
    const outcome = outcomeOf(event);
    if (outcome) yield `${JSON.stringify(outcome)}\n`;
  }
}

/** What a test came to, or a file that failed by itself: what is in it may then not have run at all. */
function outcomeOf({ type, data }: TestEvent): Outcome | undefined {
  if (type !== "test:pass" && type !== "test:fail") return undefined;
  const { name, details, skip, todo } = data;
  if (details.type === "suite") return undefined;
  // a test that a helper defines has the helper's file in `file`
  const path = resolve((data as { entryFile?: string }).entryFile ?? data.file ?? name);
  const file = relative(process.cwd(), path);
  if (resolve(name) === path) return type === "test:fail" ? { file, came: "failed" } : undefined;
  const proves = skip === undefined && todo === undefined;
  return { file, name, came: !proves ? "skipped" : type === "test:fail" ? "failed" : "passed" };
}
