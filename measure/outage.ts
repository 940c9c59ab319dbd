/** One request of the prober. Times in milliseconds; `at` is when it was sent. */
export type Sample = { at: number; ok: boolean; ms: number; error?: string };

/** A time without an answer: from the first request that failed to the first after it that succeeded. */
export type Outage = { from: number; to: number; ms: number; failed: number };

export type Availability = {
  total: number;
  failed: number;
  outages: Outage[];
  longestMs: number;
  /** Whether the last request still failed: the outage is then at least as long as it says. */
  openEnd: boolean;
};

/**
 * The outages in what a prober saw. Requests overlap when they hang, so they are put in the order in which they were sent.
 * Pure.
 */
export function availability(samples: readonly Sample[]): Availability {
  const sorted = [...samples].sort((a, b) => a.at - b.at);
  const outages: Outage[] = [];
  let open: Outage | undefined;
  for (const { at, ok } of sorted) {
    if (!ok) {
      open ??= { from: at, to: at, ms: 0, failed: 0 };
      open.failed++;
    }
    if (open) Object.assign(open, { to: at, ms: at - open.from });
    if (ok && open) {
      outages.push(open);
      open = undefined;
    }
  }
  if (open) outages.push(open);
  return {
    total: sorted.length,
    failed: sorted.filter((sample) => !sample.ok).length,
    outages,
    longestMs: Math.max(0, ...outages.map((outage) => outage.ms)),
    openEnd: open !== undefined,
  };
}
