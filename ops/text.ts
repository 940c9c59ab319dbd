/** Rows under each other, with figures to the right and everything else to the left; the first row is the head. */
export function columns(rows: readonly (readonly (string | number)[])[]): string {
  const texts = rows.map((row) => row.map(String));
  const widths = (texts[0] ?? []).map((_, at) => Math.max(...texts.map((row) => row[at]?.length ?? 0)));
  const right = widths.map((_, at) => /^[<≤]?\s?\d|^-$/.test(texts[1]?.[at] ?? ""));
  const line = (row: readonly string[]) =>
    row.map((text, at) => (right[at] ? text.padStart(widths[at]!) : text.padEnd(widths[at]!))).join("  ");
  return texts.map((row) => `  ${line(row)}`.trimEnd()).join("\n");
}

/** A time as people read it: `0.4 ms`, `12 ms`, `3.2 s`; `-` where there is none. */
export function duration(ms: number): string {
  if (Number.isNaN(ms)) return "-";
  if (ms === Number.POSITIVE_INFINITY) return "more";
  if (ms < 9.95) return `${ms.toFixed(1)} ms`;
  return ms < 999.5 ? `${ms.toFixed(0)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

/** An amount of storage: `812 KiB`, `3.1 MiB`. */
export function size(bytes: number): string {
  if (bytes < 1024 ** 2) return `${(bytes / 1024).toFixed(0)} KiB`;
  return bytes < 1024 ** 3
    ? `${(bytes / 1024 ** 2).toFixed(1)} MiB`
    : `${(bytes / 1024 ** 3).toFixed(1)} GiB`;
}
