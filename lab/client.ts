/**
 * `node lab/client.ts INSTANCE`: one `up` of a lab's stack in a process of its own, so that it can be
 * killed as a terminal or a laptop can. Its environment says where Pulumi is.
 */
import { join } from "node:path";
import program from "../index.ts";
import { openStack, operate } from "./engine.ts";
import { labDir, pulumiDirectory } from "./paths.ts";

const [instance = ""] = process.argv.slice(2);
try {
  const stack = await openStack(
    join(labDir(instance), pulumiDirectory),
    { PATH: process.env.PATH ?? "" },
    program,
  );
  const ended = await operate(stack, "up", () => {}, new AbortController().signal);
  console.log(JSON.stringify(ended.changes));
} catch (error) {
  console.error((error as Error).message);
  process.exit(1);
}
process.exit(0);
