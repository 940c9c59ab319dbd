/** How a row stands: `unchanged` was looked at and needed nothing. */
export type RowState = "waiting" | "running" | "done" | "unchanged" | "failed";

/** A piece of work of one row. Times are milliseconds since the board's beginning. */
export type Span = { what: string; from: number; to?: number };

/** One thing that makes progress: a node, a build, the cluster as a whole. */
export type Row = {
  readonly name: string;
  state: RowState;
  readonly spans: Span[];
  /** The last thing that it said of itself. */
  said: string;
};

/** Something that happened, for an output that cannot be redrawn. */
export type Entry = { at: number; row: string; text: string };

/**
 * What runs at the same time, row by row. Knows no clock and no terminal: times come in with what happens.
 * Rows appear in the order given, later ones when they are first heard of.
 */
export class Board {
  readonly rows: Row[] = [];
  readonly entries: Entry[] = [];

  constructor(names: readonly string[] = []) {
    for (const name of names) this.row(name);
  }

  row(name: string): Row {
    const known = this.rows.find((row) => row.name === name);
    if (known) return known;
    const row: Row = { name, state: "waiting", spans: [], said: "" };
    this.rows.push(row);
    return row;
  }

  begin(name: string, what: string, at: number): void {
    const row = this.row(name);
    row.spans.push({ what, from: at });
    if (row.state !== "failed") row.state = "running";
    row.said = "";
    this.entries.push({ at, row: name, text: `${what} begins`.trim() });
  }

  /** Progress in words; the same words twice are said once. */
  say(name: string, text: string, at: number): void {
    const row = this.row(name);
    if (row.said === text || text === "") return;
    row.said = text;
    this.entries.push({ at, row: name, text });
  }

  end(name: string, what: string, at: number, failed = false): void {
    const row = this.row(name);
    const span = row.spans.find((candidate) => candidate.what === what && candidate.to === undefined);
    if (!span) return;
    span.to = at;
    if (failed) row.state = "failed";
    else if (row.state === "running" && running(row).length === 0) row.state = "done";
    this.entries.push({
      at,
      row: name,
      text: `${what} ${failed ? "failed" : "done"} after ${duration(at - span.from)}`.trim(),
    });
  }

  /** Looked at, and nothing was to be done. */
  unchanged(name: string): void {
    const row = this.row(name);
    if (row.state === "waiting") row.state = "unchanged";
  }
}

/** The pieces of work of a row that have not ended. */
export function running(row: Row): Span[] {
  return row.spans.filter((span) => span.to === undefined);
}

/** Milliseconds as a person reads them: `0.4 s`, `95 s`, `17 min`, `3 h`. */
export function duration(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  if (seconds < 600) return `${Math.round(seconds)} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}
