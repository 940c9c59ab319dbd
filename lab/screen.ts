import type { Board } from "./board.ts";
import { barLines, type Look, liveLines, paint } from "./board-text.ts";

/** Where a person reads: a terminal that can be redrawn, or a plain stream (a pipe, CI). */
export type Screen = {
  look: Look;
  live: boolean;
  write(line: string): void;
};

/** The process' own output. `NO_COLOR`, `FORCE_COLOR` and `TERM=dumb` are respected. */
export function openScreen(stream: NodeJS.WriteStream = process.stdout): Screen {
  const live = stream.isTTY === true && process.env.TERM !== "dumb";
  const colour = !process.env.NO_COLOR && (live || Boolean(process.env.FORCE_COLOR));
  return {
    live,
    // asked at every use: a window can be resized
    get look() {
      return { columns: stream.columns ?? 100, colour };
    },
    write: (line) => void stream.write(`${line}\n`),
  };
}

/** A section of the output. */
export function heading(screen: Screen, text: string): void {
  screen.write("");
  screen.write(paint(screen.look, "bold", text));
}

/** Shows a board while something runs; `stop` leaves its last state on the screen. */
export type Showing = { now(): number; stop(): void };

const redrawMs = 100;

/** Begins to show a board: redrawn in place on a terminal, one line for each thing that happens elsewhere. */
export function show(screen: Screen, board: Board, options: { bars?: boolean } = {}): Showing {
  const began = Date.now();
  const now = () => Date.now() - began;
  let drawn = 0;
  let told = 0;
  const draw = () => {
    if (screen.live) {
      const lines = liveLines(board, now(), screen.look);
      process.stdout.write(
        `${drawn > 0 ? `\x1b[${drawn}A` : ""}\x1b[0J${lines.map((l) => `${l}\n`).join("")}`,
      );
      drawn = lines.length;
      return;
    }
    for (const entry of board.entries.slice(told))
      screen.write(`  ${(entry.at / 1000).toFixed(1).padStart(6)} s  ${entry.row}: ${entry.text}`);
    told = board.entries.length;
  };
  const timer = setInterval(draw, redrawMs);
  return {
    now,
    stop() {
      clearInterval(timer);
      draw();
      if (!options.bars) return;
      screen.write("");
      for (const line of barLines(board, screen.look)) screen.write(line);
    },
  };
}
