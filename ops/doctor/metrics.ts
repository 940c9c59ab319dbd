/** What etcd measures of itself, as far as the rules need it. */
import { type Metric, parseMetrics, total } from "../../measure/metrics.ts";

const parsed = (lines: readonly string[], name: string): Metric[] => parseMetrics(lines.join("\n"), [name]);

/** The value of a metric that is one number; undefined when it is not there. */
export function gauge(lines: readonly string[], name: string): number | undefined {
  const found = parsed(lines, name);
  const value = total(found, name);
  return found.length > 0 && Number.isFinite(value) ? value : undefined;
}

/** A histogram's bounds in seconds, with the number of observations at or below each. Infinity is the last bound. */
export type Histogram = readonly { readonly bound: number; readonly count: number }[];

/** The histograms of a name, by the value of a label; one under `""` where it has no such label. */
export function histogramsOf(lines: readonly string[], name: string, by = ""): Map<string, Histogram> {
  const all = new Map<string, { bound: number; count: number }[]>();
  for (const { labels, value } of parsed(lines, `${name}_bucket`)) {
    const bound = labels.le === "+Inf" ? Number.POSITIVE_INFINITY : Number(labels.le);
    if (Number.isNaN(bound) || !Number.isFinite(value)) continue;
    const key = labels[by] ?? "";
    all.set(key, [...(all.get(key) ?? []), { bound, count: value }]);
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
  const count = histogram?.at(-1)?.count ?? 0;
  if (!histogram || count < least) return undefined;
  const rank = share * count;
  const index = histogram.findIndex((bucket) => bucket.count >= rank);
  const bucket = histogram[index]!;
  const below = histogram[index - 1] ?? { bound: 0, count: 0 };
  if (bucket.bound === Number.POSITIVE_INFINITY) return below.bound;
  return (
    below.bound +
    ((bucket.bound - below.bound) * (rank - below.count)) / Math.max(1, bucket.count - below.count)
  );
}
