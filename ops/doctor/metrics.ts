/** What etcd measures of itself, in Prometheus' text format, as far as the rules need it. */

/** A histogram's bounds in seconds, with the number of observations at or below each. Infinity is the last bound. */
export type Histogram = readonly { readonly bound: number; readonly count: number }[];

const sample = /^([a-z_]+)(?:\{([^}]*)\})? ([0-9.eE+-]+)$/;
const label = (labels: string, name: string) => new RegExp(`(?:^|,)${name}="([^"]*)"`).exec(labels)?.[1];

/** The value of a metric without labels. */
export function gauge(lines: readonly string[], name: string): number | undefined {
  const found = lines.map((line) => sample.exec(line)).find((match) => match?.[1] === name && !match[2]);
  const value = Number(found?.[3]);
  return Number.isFinite(value) ? value : undefined;
}

/** The histograms of a name, by the value of a label; one under `""` where it has no such label. */
export function histogramsOf(lines: readonly string[], name: string, by = ""): Map<string, Histogram> {
  const all = new Map<string, { bound: number; count: number }[]>();
  for (const line of lines) {
    const [, metric, labels = "", value] = sample.exec(line) ?? [];
    const le = label(labels, "le");
    if (metric !== `${name}_bucket` || le === undefined) continue;
    const key = (by && label(labels, by)) || "";
    const bound = le === "+Inf" ? Number.POSITIVE_INFINITY : Number(le);
    const count = Number(value);
    if (!Number.isNaN(bound) && Number.isFinite(count))
      all.set(key, [...(all.get(key) ?? []), { bound, count }]);
  }
  for (const buckets of all.values()) buckets.sort((a, b) => a.bound - b.bound);
  return all;
}

/**
 * The value below which a share of the observations lies, in seconds, as Prometheus' histogram_quantile counts it: evenly
 * spread within a bucket.
 * @param least observations without which nothing is said
 */
export function quantile(histogram: Histogram | undefined, share: number, least: number): number | undefined {
  const total = histogram?.at(-1)?.count ?? 0;
  if (!histogram || total < least) return undefined;
  const rank = share * total;
  const index = histogram.findIndex(({ count }) => count >= rank);
  const { bound, count } = histogram[index]!;
  const below = histogram[index - 1] ?? { bound: 0, count: 0 };
  if (bound === Number.POSITIVE_INFINITY) return below.bound;
  return below.bound + ((bound - below.bound) * (rank - below.count)) / Math.max(1, count - below.count);
}
