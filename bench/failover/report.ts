import { atMost, median, type Verdict } from "../stats.ts";
import { benchTimings, type Cell, endpoints, losesLeader, settingsOf, victims } from "./cell.ts";
import { rowsOf } from "./rows.ts";
import type { Row } from "./run.ts";

/** Seconds. */
const tunedLimit = 5;
const leaderLivesLimit = 3.5;
/** Rejoins without one deposed leader that the tuned profile has to show. */
const rejoinsWanted = 30;

export const heads = [
  "endpoint",
  "loses its power",
  "settings",
  "runs",
  "new: median",
  "worst",
  "kept: median",
  "worst",
];

/** All cells, the tuned ones below k3s' own. */
export const cells: readonly Cell[] = endpoints.flatMap((endpoint) =>
  victims.flatMap((victim) => benchTimings.map((timing) => ({ endpoint, victim, timing }))),
);

const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;

/** One line for each cell that was measured. */
export function lines(rows: readonly Row[]): string[][] {
  return cells.flatMap((cell) => {
    const own = rowsOf(rows, cell);
    if (own.length === 0) return [];
    const both = (pick: (row: Row) => number) => {
      const values = own.map(pick);
      return [seconds(median(values)), seconds(Math.max(...values))];
    };
    const { endpoint, victim } = cell;
    const figures = [...both(({ newMs }) => newMs), ...both(({ keptMs }) => keptMs)];
    return [[endpoint, victim, settingsOf(cell), String(own.length), ...figures]];
  });
}

/** What was aimed at, over the cells that were measured. */
export function verdicts(rows: readonly Row[]): Verdict[] {
  const measured = cells
    .map((cell) => ({ cell, own: rowsOf(rows, cell) }))
    .filter(({ own }) => own.length > 0);
  const tuned = measured.filter(({ cell }) => cell.timing !== "default");
  const worst = (some: typeof measured) =>
    Math.max(0, ...some.flatMap(({ own }) => own.map(({ newMs }) => newMs / 1000)));
  const all = measured.flatMap(({ own }) => own);
  const rejoins = tuned.flatMap(({ own }) => own.flatMap(({ elections }) => elections ?? []));
  const deposed = rejoins.filter((elections) => elections > 0).length;
  const lost = all.reduce((sum, row) => sum + row.lost, 0);
  const acknowledged = all.reduce((sum, row) => sum + row.acknowledged, 0);
  return [
    atMost("the worst run of the tuned profile", worst(tuned), tunedLimit, "s"),
    atMost(
      "the worst run in which etcd keeps its leader",
      worst(measured.filter(({ cell }) => !losesLeader(cell))),
      leaderLivesLimit,
      "s",
    ),
    { what: "acknowledged writes lost", found: `${lost} of ${acknowledged}`, limit: "0", held: lost === 0 },
    {
      what: "leaders deposed by a server that came back, tuned profile",
      found: `${deposed} in ${rejoins.length}`,
      limit: `0 in ${rejoinsWanted} or more`,
      held: deposed === 0 && rejoins.length >= rejoinsWanted,
    },
  ];
}
