import { availability, type Outage, type Sample } from "../../measure/outage.ts";

/**
 * Milliseconds without an answer, all in all: of the outages that began before a moment, to their ends, and of those
 * that began later. Pure.
 */
export function awayMs(samples: readonly Sample[], moment: number): { before: number; after: number } {
  const { outages } = availability(samples);
  const sum = (part: readonly Outage[]) => Math.round(part.reduce((ms, outage) => ms + outage.ms, 0));
  return {
    before: sum(outages.filter(({ from }) => from < moment)),
    after: sum(outages.filter(({ from }) => from >= moment)),
  };
}
