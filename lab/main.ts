/** The lab's command, behind `npm start`, `npm run lab:status` and `npm run lab:down`. */
import { Command, InvalidArgumentError } from "commander";
import { Interrupted, onInterrupt } from "./interrupt.ts";
import { Lab } from "./machines/lab.ts";
import { shortProblem } from "./problem.ts";
import { openScreen } from "./screen.ts";
import { start } from "./start.ts";
import { showStatus, takeDown } from "./status.ts";

const screen = openScreen();
const program = new Command("lab").description("Rehearses the cluster on disposable machines of this host.");

program
  .command("start")
  .description("machines, cluster, and the proof that it works; run again, it takes up where it stands")
  .option("--instance <name>", "the lab to make or to go on with", "default")
  .option(
    "--k3s <which>",
    "`real`, `standin`, or the file of a real binary; any: real where it can be had",
    "any",
  )
  .option("--images <file>", "container images for a real k3s; may be given again", more, [])
  .option("--servers <n>", "how many servers: 1, 3, 5 or 7", whole, 3)
  .option("--agents <n>", "how many agents", whole, 1)
  .option(
    "--pods-elsewhere",
    "with a real k3s: measure how long the pods of a lost machine are away; minutes",
    false,
  )
  .option("--no-proof", "stop when the cluster is up")
  .action((options) => start(options, screen, onInterrupt(screen.write)));

program
  .command("status")
  .description("what the lab made on this host")
  .action(() => showStatus(screen));

program
  .command("down")
  .description("removes a lab and everything that it made")
  .option("--instance <name>", "the lab to remove", "default")
  .option("--all", "remove every lab of this host")
  .action(async ({ instance, all }) => takeDown(all ? await Lab.list() : [instance], screen));

// what a refused program leaves behind; the operation that ran it has told already
process.on("unhandledRejection", () => {});

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof Interrupted) {
    screen.write("Stopped. The next `npm start` goes on from here; `npm run lab:down` removes everything.");
    process.exit(130);
  }
  screen.write(`\n${shortProblem(error instanceof Error ? error.message : String(error))}`);
  process.exit(1);
}
process.exit(0);

function more(file: string, before: string[]): string[] {
  return [...before, file];
}

function whole(text: string): number {
  if (!/^\d{1,3}$/.test(text)) throw new InvalidArgumentError("want a whole number.");
  return Number(text);
}
