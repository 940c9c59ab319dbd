import { styleText } from "node:util";
import { type Board, duration, type Row, type RowState, running } from "./board.ts";

/** Colours are left out where `NO_COLOR` is set or the output is not a terminal. */
export type Look = { columns: number; colour: boolean };

type Format = Parameters<typeof styleText>[0];

const spinner = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const marks: Record<RowState, [string, Format]> = {
  waiting: ["·", "dim"],
  running: ["*", "cyan"],
  done: ["✓", "green"],
  unchanged: ["=", "dim"],
  failed: ["✗", "red"],
};

/** Paints text when the look has colours. */
export function paint(look: Look, format: Format, text: string): string {
  return look.colour ? styleText(format, text, { validateStream: false }) : text;
}

/** The board as it stands, one line a row. Pure: the spinner turns with `now`. */
export function liveLines(board: Board, now: number, look: Look): string[] {
  const names = Math.max(0, ...board.rows.map((row) => row.name.length));
  return board.rows.map((row) => {
    const [mark, format] = marks[row.state];
    const symbol = row.state === "running" ? spinner[Math.floor(now / 100) % spinner.length]! : mark;
    const head = `  ${row.name.padEnd(names)}  `;
    const time = row.spans.length > 0 ? duration(spent(row, now)).padStart(7) : "".padStart(7);
    const room = Math.max(0, look.columns - head.length - 2 - time.length - 3);
    const text = cut(doing(row), room);
    return `${head}${paint(look, format, symbol)} ${time}  ${row.state === "running" ? text : paint(look, "dim", text)}`;
  });
}

function doing(row: Row): string {
  if (row.state === "waiting" || row.state === "unchanged") return row.state;
  const now = running(row).at(-1)?.what;
  return [now, row.said].filter(Boolean).join(": ");
}

/** From the first piece of work to the end of the last: what somebody who watches the row would say. */
function spent(row: Row, now: number): number {
  const ends = row.spans.map((span) => span.to ?? now);
  return Math.max(...ends) - Math.min(...row.spans.map((span) => span.from));
}

/** Shortens text that does not fit. */
export function cut(text: string, room: number): string {
  if (text.length <= room) return text;
  return room < 2 ? "" : `${text.slice(0, room - 1)}…`;
}

/**
 * What ran when, one bar a row on one axis, so that a chain looks like stairs and parallel work like a block.
 * A thick line is a row's longest piece of work, a thin one the others.
 */
export function barLines(board: Board, look: Look): string[] {
  const rows = board.rows.filter((row) => row.spans.length > 0);
  const all = rows.flatMap((row) => row.spans);
  if (all.length === 0) return [];
  const from = Math.min(...all.map((span) => span.from));
  const to = Math.max(...all.map((span) => span.to ?? span.from));
  const names = Math.max(...rows.map((row) => row.name.length));
  const width = Math.max(10, Math.min(60, look.columns - names - 14));
  const column = (at: number) => Math.round(((at - from) / Math.max(1, to - from)) * width);
  return rows.map((row) => {
    const cells = Array<string>(width).fill(" ");
    const main = longest(row);
    for (const span of [...row.spans].sort((a, b) => Number(a === main) - Number(b === main))) {
      const end = span.to ?? to;
      const first = Math.min(column(span.from), width - 1);
      cells.fill(span === main ? "━" : "─", first, Math.max(first + 1, column(end)));
    }
    const bar = paint(look, row.state === "failed" ? "red" : "cyan", cells.join(""));
    return `  ${row.name.padEnd(names)}  ${bar} ${duration(spent(row, to)).padStart(8)}`;
  });
}

function longest(row: Row) {
  const length = (span: Row["spans"][number]) => (span.to ?? span.from) - span.from;
  return row.spans.reduce((best, span) => (length(span) > length(best) ? span : best), row.spans[0]!);
}
