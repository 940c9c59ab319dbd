import type { Command } from "commander";
import { interruptible, openProgress } from "../progress.ts";
import type { StackChoice } from "../stack.ts";
import { openTarget } from "../target.ts";
import { columns, duration, size } from "../text.ts";
import { type DefragResult, defrag } from "./defrag.ts";

/** `defrag`: gives the room of what was deleted from etcd back to the disks. */
export function addDefrag(program: Command, show: (json: object, text: string) => void): void {
  program
    .command("defrag")
    .description("Defragments etcd, one member at a time, the leader last.")
    .addHelpText(
      "after",
      "\nRefused unless every voter is well. With the alarm NOSPACE the history is given up first, and the alarm taken\nback last. Ctrl-C stops it before the next member. What it means: docs/operate.md.",
    )
    .action(async () => {
      const signal = interruptible();
      const progress = openProgress();
      const cluster = await openTarget(program.opts<StackChoice>());
      try {
        const result = await defrag(cluster, progress.say, signal);
        progress.done();
        show(result, defragText(result));
      } finally {
        await cluster.remote.close();
      }
    });
}

/** For a terminal. */
export function defragText({ members, wasFull }: DefragResult): string {
  const rows = members.map(({ node, before, after, inUse, pauseMs, movedTo }) => [
    node,
    size(before),
    size(after),
    size(inUse),
    duration(pauseMs),
    movedTo === null ? "" : `led; ${movedTo} leads now`,
  ]);
  const table = columns([["member", "before", "after", "in use", "pause", ""], ...rows]);
  return wasFull
    ? `${table}\nThe database had reached its limit (NOSPACE): its history was given up, and the alarm is taken back.`
    : table;
}
