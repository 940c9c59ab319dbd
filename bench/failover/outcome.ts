import type { Sample } from "../../measure/outage.ts";

/** A pause between two answers counts from so many times the pace on: a busy machine answers a little late. */
const lateAfter = 3;

/**
 * Milliseconds in which no answer came, all in all, beyond the pace in which was asked: of the pauses that began before a
 * moment, to their ends, and of those that began later. The first pause begins with the first request. Answers count when
 * they come, not when they were asked for: a request that hangs through an election and is answered in time has waited
 * all the same. Pure.
 */
export function awayMs(
  samples: readonly Sample[],
  paceMs: number,
  moment: number,
): { before: number; after: number } {
  const answers = samples.filter(({ ok }) => ok).map(({ at, ms }) => at + ms);
  const start = Math.min(...samples.map(({ at }) => at));
  const end = Math.max(...samples.map(({ at, ms }) => at + ms));
  const times = [start, ...answers.sort((a, b) => a - b), end];
  const pauses = times
    .slice(1)
    .map((at, index) => ({ from: times[index]!, ms: at - times[index]! - paceMs }))
    .filter(({ ms }) => ms + paceMs > lateAfter * paceMs);
  const sum = (part: typeof pauses) => Math.round(part.reduce((all, { ms }) => all + ms, 0));
  return {
    before: sum(pauses.filter(({ from }) => from < moment)),
    after: sum(pauses.filter(({ from }) => from >= moment)),
  };
}
