import { Argument, type Command, InvalidArgumentError } from "commander";
import { interruptible, openProgress } from "../progress.ts";
import { writeReport } from "../report/page.ts";
import { type StackChoice, stackName } from "../stack.ts";
import { openTarget } from "../target.ts";
import { typeTheName } from "./confirm.ts";
import { drill } from "./drill.ts";
import { labPower, RemotePower } from "./power.ts";
import { type Scenario, scenarios } from "./scenario.ts";
import { drillReport, drillText, verdict } from "./show.ts";

interface DrillOptions {
  readonly server?: string;
  readonly hold: number;
  readonly report?: string;
}

const explained = Object.entries(scenarios).map(([name, what]) => `  ${name.padEnd(11)} ${what}`);

/** `drill`: what clients see when a machine is lost, tried on the living cluster. */
export function addDrill(program: Command, show: (json: object, text: string) => void): void {
  program
    .command("drill")
    .description(
      "Hits one machine while clients use the endpoint, and waits until the cluster is whole again.",
    )
    .addArgument(new Argument("<scenario>", "what happens").choices(Object.keys(scenarios)))
    .option("--server <name>", "whom to reboot or to cut off")
    .option(
      "--hold <seconds>",
      "how long a server stays cut off, or a machine of the lab without power",
      seconds,
      20,
    )
    .option("--report <file>", "write a report as one HTML file")
    .addHelpText(
      "after",
      `\n${explained.join("\n")}\n\nRefused unless the cluster is whole and survives it. On a real stack you type its name first. Ctrl-C heals what was\ndone; a server that is cut off comes back by itself a minute after --hold, whatever happens to this command.\nExit code 1 when an acknowledged write was lost. What it means: docs/operate.md.`,
    )
    .action(async (scenario: Scenario, { server, hold, report }: DrillOptions) => {
      const signal = interruptible();
      const progress = openProgress();
      const choice = program.opts<StackChoice>();
      const cluster = await openTarget(choice);
      try {
        const power = choice.lab === undefined ? new RemotePower(cluster.remote) : await labPower(choice.lab);
        const confirm = async (what: string) => {
          if (choice.lab === undefined) await typeTheName(await stackName(choice), what, signal);
        };
        const wanted = { scenario, server, hold, power, confirm };
        const drilled = await drill(cluster, wanted, progress.tell, signal);
        if (report !== undefined) await writeReport(report, drillReport(drilled));
        show(
          drilled.result,
          drillText(drilled.result) + (report === undefined ? "" : `\n\nReport: ${report}`),
        );
        if (drilled.result.writes.lost.length > 0) throw new Error(verdict(drilled.result));
      } finally {
        await cluster.remote.close();
      }
    });
}

/** Longer than an hour is no drill. */
function seconds(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 3_600)
    throw new InvalidArgumentError("want whole seconds from 1 to 3600.");
  return value;
}
