/**
 * The operator's command: `npm run ops -- COMMAND`. It reads a stack's outputs and looks at, or looks after, what the
 * stack describes. Exit code 0: done; 1: failed; 2: bad arguments; 3: refused, nothing was changed; 4: `doctor`
 * found something that wants attention; 130: interrupted.
 */
import { Command } from "commander";
import { Interrupted } from "../lab/interrupt.ts";
import { addBench } from "./bench/command.ts";
import { addDefrag } from "./defrag/command.ts";
import { addDoctor } from "./doctor/command.ts";
import { addDrill } from "./drill/command.ts";
import { changeFile, defaultFile } from "./kubeconfig/file.ts";
import { entryOf, merge } from "./kubeconfig/merge.ts";
import { Refusal } from "./refusal.ts";
import { readStack, type StackChoice } from "./stack.ts";

const program = new Command("ops")
  .description("Looks at, and looks after, the cluster of a stack.")
  .option("--stack <name>", "the stack; default: the selected one")
  .option("--lab <instance>", "an instance of the lab instead of a stack")
  .option("--json", "one line of JSON instead of text", false)
  .showHelpAfterError()
  .exitOverride(); // here, so that every command inherits it

program
  .command("kubeconfig")
  .description("Merges the cluster into your kubeconfig, without touching anything else in it.")
  .option("--context <name>", "the name of context, cluster and user", "homelab-k3s")
  .option("--file <path>", "the file; default: the first of KUBECONFIG, else ~/.kube/config")
  .option("--use", "make it the current context", false)
  .option("--replace", "replace an entry of this name that is of another cluster", false)
  .addHelpText(
    "after",
    "\nThe earlier file is kept beside it. Run it again after a rotation: the entry is refreshed in its place.",
  )
  .action(async ({ context, file, use, replace }: KubeconfigOptions) => {
    const { kubeconfig, endpoint } = await readStack(choice());
    const entry = entryOf(kubeconfig, context);
    const result = await changeFile(file ?? defaultFile(), (text) => merge(text, entry, { use, replace }));
    const before = result.backup ? `; the earlier file is ${result.backup}` : "";
    const done = result.changed
      ? `the context ${context} (${endpoint}) is in ${result.file}${before}`
      : `${result.file} is up to date`;
    report(result, done);
  });

interface KubeconfigOptions {
  readonly context: string;
  readonly file?: string;
  readonly use: boolean;
  readonly replace: boolean;
}

const choice = () => program.opts<StackChoice>();

function report(json: object, text: string): void {
  console.log(program.opts<{ json: boolean }>().json ? JSON.stringify(json) : text);
}

addBench(program, report);
addDefrag(program, report);
addDoctor(program);
addDrill(program, report);

try {
  await program.parseAsync();
} catch (error) {
  const { code, exitCode, message } = error as { code?: string; exitCode?: number; message: string };
  if (code?.startsWith("commander.")) process.exit(exitCode === 0 ? 0 : 2);
  if (error instanceof Interrupted) process.exit(130);
  console.error(`ops: ${message}`);
  process.exit(error instanceof Refusal ? 3 : 1);
}
