import type { EngineEvent } from "@pulumi/pulumi/automation/index.js";
import type { Board } from "./board.ts";

/** The row of everything that belongs to no single node. */
export const clusterRow = "cluster";

const work = new Set([
  "create",
  "update",
  "delete",
  "replace",
  "create-replacement",
  "delete-replaced",
  "read",
]);

/** Where a resource belongs on the board: its node's row, and what is left of its name. */
export function placeOf(urn: string, nodes: readonly string[]): { row: string; what: string } {
  const name = urn.split("::").slice(3).join("::");
  const node = nodes
    .filter((candidate) => name === candidate || name.startsWith(`${candidate}-`))
    .sort((a, b) => b.length - a.length)[0];
  if (!node) return { row: clusterRow, what: name };
  return { row: node, what: name.slice(node.length + 1) || "node" };
}

/**
 * Carries an event of Pulumi's engine over to the board. Components, providers and the stack itself are left out:
 * nothing happens in them. The lines that a node writes to its standard error arrive as diagnostics.
 * @param at Milliseconds since the board's beginning (the engine's own time stamps are whole seconds).
 */
export function applyEvent(board: Board, nodes: readonly string[], event: EngineEvent, at: number): void {
  const metadata =
    event.resourcePreEvent?.metadata ?? event.resOutputsEvent?.metadata ?? event.resOpFailedEvent?.metadata;
  if (metadata) {
    const state = metadata.new ?? metadata.old;
    if (state?.custom !== true || metadata.type.startsWith("pulumi:")) return;
    const { row, what } = placeOf(metadata.urn, nodes);
    if (event.resourcePreEvent) {
      if (work.has(metadata.op)) board.begin(row, what, at);
      else board.unchanged(row);
    } else {
      const failed = event.resOpFailedEvent !== undefined;
      board.end(row, what, at, failed);
      // the last thing on the way is of no interest once there; after a failure it is
      if (!failed) board.row(row).said = "";
    }
    return;
  }
  const said = event.diagnosticEvent;
  if (!said?.urn || said.severity === "error") return;
  const { row, what } = placeOf(said.urn, nodes);
  const text = progressIn(said.message);
  if (board.row(row).spans.some((span) => span.what === what && span.to === undefined))
    board.say(row, text, at);
}

/** The step or message in what a node says: without the time, its own name and the engine's colours. */
export function progressIn(message: string): string {
  const line = message
    .replace(/<\{%.*?%\}>/g, "")
    .trim()
    .split("\n")
    .at(-1)!
    .replace(/^\d\d:\d\d:\d\d \S+: /, "");
  const step = /^step: (\S+) (begin|end)$/.exec(line);
  if (!step) return line;
  return step[2] === "begin" ? step[1]! : "";
}
