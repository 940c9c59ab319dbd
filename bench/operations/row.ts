import type { Operation } from "../../test/proof/claims.ts";
import type { RealK3s } from "../../test/proof/outcomes.ts";

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

/** The rows of which docs/proof.md may tell: those after which the cluster was whole. Pure. */
export function proven(rows: readonly Row[], k3s: RealK3s, date = new Date()): Operation[] {
  return rows
    .filter(({ problem }) => problem === undefined)
    .map(({ operation, seconds, longestMs, refused, requests, lost }) => ({
      operation,
      seconds: Math.round(seconds),
      ...(longestMs !== undefined && { longestMs: Math.round(longestMs) }),
      ...(refused !== undefined && { refused }),
      ...(requests !== undefined && { total: requests }),
      ...(lost !== undefined && { lost }),
      ...k3s,
      date: date.toISOString().slice(0, 10),
    }));
}
