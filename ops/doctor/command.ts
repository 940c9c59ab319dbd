import type { Command } from "commander";
import { openProgress } from "../progress.ts";
import { Remote } from "../remote.ts";
import type { StackChoice } from "../stack.ts";
import { diagnose } from "./diagnose.ts";
import { look } from "./look.ts";
import { asJson, report } from "./show.ts";

/** Exit code when something was found that wants attention: a finding of severity `warning` or `critical`. */
export const attention = 4;

/** Adds `doctor` to the operator's command. */
export function addDoctor(program: Command): void {
  program
    .command("doctor")
    .description(
      "Looks at every machine of the stack and at the cluster, changes nothing, and says what is wrong.",
    )
    .addHelpText(
      "after",
      `\nExit code 0: nothing, or notices only; ${attention}: warnings or worse; 1: it could not look. docs/doctor.md explains each check.`,
    )
    .action(async () => {
      const { json, ...choice } = program.opts<StackChoice & { json: boolean }>();
      const remote = await Remote.open(choice);
      try {
        const progress = openProgress();
        const waiting = new Set(remote.machines.map(({ name }) => name));
        const cluster = await look(remote, (machine) => {
          waiting.delete(machine);
          progress.say(`looking at ${[...waiting].join(", ") || "what they said"}`);
        });
        progress.done();
        const findings = diagnose(cluster);
        console.log(json ? asJson(findings, cluster) : report(findings, cluster));
        if (findings.some(({ severity }) => severity !== "notice")) process.exitCode = attention;
      } finally {
        await remote.close();
      }
    });
}
