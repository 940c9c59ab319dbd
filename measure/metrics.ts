/** One line of Prometheus' text format. */
export interface Metric {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const line = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)(?: \d+)?$/;
const label = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;

/** The metrics of these names in what a server's `/metrics` says. */
export function parseMetrics(text: string, names: readonly string[]): Metric[] {
  return text.split("\n").flatMap((one) => {
    const [, name = "", labels = "", value = ""] = line.exec(one) ?? [];
    if (!names.includes(name)) return [];
    const pairs = [...labels.matchAll(label)].map(([, key, text]) => [key!, text!.replace(/\\(.)/g, "$1")]);
    return [{ name, labels: Object.fromEntries(pairs), value: Number(value) }];
  });
}

/** The sum of a metric over all label values that fit. */
export function total(
  metrics: readonly Metric[],
  name: string,
  fits: (labels: Metric["labels"]) => boolean = () => true,
): number {
  return metrics
    .filter((one) => one.name === name && fits(one.labels))
    .reduce((sum, { value }) => sum + value, 0);
}

/** What a histogram saw between two looks. */
export interface Observed {
  readonly count: number;
  /** Exact: the histogram keeps the sum. NaN when nothing was observed. */
  readonly mean: number;
  /** Upper edges of the buckets in which the quantiles lie: they are at most that. `Infinity` beyond the last edge. */
  readonly p50: number;
  readonly p99: number;
}

/** The three metrics of a histogram. */
export const histogramOf = (name: string): string[] => [`${name}_bucket`, `${name}_sum`, `${name}_count`];

/**
 * What was observed between two looks at a histogram, in its own unit. Edges are given instead of a guess between them:
 * a bucket says only how many lie in it.
 */
export function observed(
  before: readonly Metric[],
  after: readonly Metric[],
  name: string,
  fits: (labels: Metric["labels"]) => boolean = () => true,
): Observed {
  const grown = (metric: string, also: typeof fits = () => true) => {
    const chosen = (labels: Metric["labels"]) => fits(labels) && also(labels);
    return total(after, metric, chosen) - total(before, metric, chosen);
  };
  const count = grown(`${name}_count`);
  const edges = [
    ...new Set(after.filter((one) => one.name === `${name}_bucket`).map(({ labels }) => labels.le!)),
  ]
    .map((le) => ({ edge: le === "+Inf" ? Number.POSITIVE_INFINITY : Number(le), le }))
    .sort((a, b) => a.edge - b.edge);
  const at = (share: number) =>
    count === 0
      ? Number.NaN
      : (edges.find(({ le }) => grown(`${name}_bucket`, (labels) => labels.le === le) >= share * count)
          ?.edge ?? Number.POSITIVE_INFINITY);
  return {
    count,
    mean: count === 0 ? Number.NaN : grown(`${name}_sum`) / count,
    p50: at(0.5),
    p99: at(0.99),
  };
}
