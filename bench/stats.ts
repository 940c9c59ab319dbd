/** The middle value; the mean of the two middle ones when their number is even. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new Error("median: found no values");
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** A straight line through points, by least squares; `r2` is 1 when they lie on it. */
export type Line = { slope: number; intercept: number; r2: number };

export function fitLine(points: readonly { x: number; y: number }[]): Line {
  if (points.length < 2) throw new Error("fitLine: wants two points or more");
  const mean = (of: (p: { x: number; y: number }) => number) =>
    points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const [mx, my] = [mean((p) => p.x), mean((p) => p.y)];
  const sxx = points.reduce((sum, { x }) => sum + (x - mx) ** 2, 0);
  const sxy = points.reduce((sum, { x, y }) => sum + (x - mx) * (y - my), 0);
  const syy = points.reduce((sum, { y }) => sum + (y - my) ** 2, 0);
  const slope = sxy / sxx;
  return { slope, intercept: my - slope * mx, r2: syy === 0 ? 1 : sxy ** 2 / (sxx * syy) };
}

/** A figure against its limit, as a line of a table. */
export type Verdict = { what: string; found: string; limit: string; held: boolean };

export function atMost(what: string, found: number, limit: number, unit: string): Verdict {
  const text = (value: number) => `${value.toFixed(2)} ${unit}`;
  return { what, found: text(found), limit: `at most ${text(limit)}`, held: found <= limit };
}
