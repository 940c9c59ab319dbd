/** Machines' clocks, read over a connection that takes its time. */

/** A clock that was read from here, in milliseconds: a machine's minus this one's, and how far that may be wrong. */
export interface Reading {
  readonly offsetMs: number;
  readonly uncertaintyMs: number;
}

/** Asks a machine for its time, in milliseconds since 1970. */
export const clockCommand = "date +%s%3N";

/**
 * What an answer to `clockCommand` says: half of the way there and back is as far as it can be wrong.
 * @param asked and
 * @param answered by this machine's clock
 * @returns undefined when it is no time
 */
export function readClock(asked: number, answered: number, told: string): Reading | undefined {
  const uncertaintyMs = (answered - asked) / 2;
  const offsetMs = Number(told) - (asked + uncertaintyMs);
  return Number.isFinite(offsetMs) ? { offsetMs, uncertaintyMs } : undefined;
}

/** Whose clock it is. */
export type Clock = Reading & { readonly name: string };

/**
 * The clocks that are certainly off by more than a limit, in milliseconds. With three or more, most of them are right;
 * with fewer, this machine's is.
 */
export function clocksOff(clocks: readonly Clock[], limitMs: number): { name: string; offMs: number }[] {
  const offsets = clocks.map(({ offsetMs }) => offsetMs).sort((a, b) => a - b);
  const right = offsets.length < 3 ? 0 : offsets[Math.floor((offsets.length - 1) / 2)]!;
  return clocks
    .map(({ name, offsetMs, uncertaintyMs }) => ({ name, offMs: offsetMs - right, uncertaintyMs }))
    .filter(({ offMs, uncertaintyMs }) => Math.abs(offMs) - uncertaintyMs > limitMs)
    .map(({ name, offMs }) => ({ name, offMs }));
}

/** `90.0 s ahead` */
export const offBy = (offMs: number): string =>
  `${(Math.abs(offMs) / 1000).toFixed(1)} s ${offMs > 0 ? "ahead" : "behind"}`;
