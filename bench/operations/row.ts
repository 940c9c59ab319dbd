/** What one operation cost, as its clients saw it. Times in seconds or, where the name says so, milliseconds. */
export interface Row {
  readonly operation: string;
  readonly seconds: number;
  readonly longestMs?: number;
  readonly refused?: number;
  readonly requests?: number;
  readonly writes?: number;
  readonly lost?: number;
  /** What was wrong; undefined when nothing was. */
  readonly problem: string | undefined;
}

/** A row for people. Pure. */
export function rowText(row: Row): string[] {
  const { operation, seconds, longestMs, refused, requests, writes, lost, problem } = row;
  return [
    operation,
    seconds.toFixed(1),
    longestMs === undefined ? "" : `${(longestMs / 1000).toFixed(1)} s`,
    refused === undefined ? "" : `${refused} of ${requests}`,
    writes === undefined ? "" : String(writes),
    lost === undefined ? "" : String(lost),
    problem ?? "whole",
  ];
}
