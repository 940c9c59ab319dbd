import { type Command, InvalidArgumentError } from "commander";
import { interruptible, openProgress } from "../progress.ts";
import { writeReport } from "../report/page.ts";
import type { StackChoice } from "../stack.ts";
import { openTarget } from "../target.ts";
import { bench } from "./bench.ts";
import { benchReport, benchText } from "./show.ts";

interface BenchOptions {
  readonly requests: number;
  readonly report?: string;
}

/** `bench`: how fast the API and etcd of a living cluster answer. */
export function addBench(program: Command, show: (json: object, text: string) => void): void {
  program
    .command("bench")
    .description("Measures the API by verb, etcd, and how the endpoint spreads requests over the servers.")
    .option("--requests <n>", "how many requests of each kind", atLeastTen, 100)
    .option("--report <file>", "write a report as one HTML file")
    .addHelpText(
      "after",
      "\nIt makes and deletes ConfigMaps in a namespace of its own, one request at a time, and deletes the namespace at the\nend, also on Ctrl-C. What it means: docs/operate.md.",
    )
    .action(async ({ requests, report }: BenchOptions) => {
      const signal = interruptible();
      const progress = openProgress();
      const cluster = await openTarget(program.opts<StackChoice>());
      try {
        const benched = await bench(cluster, requests, progress.say, signal);
        progress.done();
        if (report !== undefined) await writeReport(report, benchReport(benched));
        show(
          benched.result,
          benchText(benched.result) + (report === undefined ? "" : `\n\nReport: ${report}`),
        );
      } finally {
        await cluster.remote.close();
      }
    });
}

/** Fewer say nothing about a p99, more than 10,000 take hours. */
function atLeastTen(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 10 || value > 10_000)
    throw new InvalidArgumentError("want a whole number from 10 to 10000.");
  return value;
}
