import { type Look, paint } from "./board-text.ts";

/** Text in columns, the heads dimmed; as wide as its contents. */
export function table(heads: readonly string[], rows: readonly (readonly string[])[], look: Look): string[] {
  const widths = heads.map((head, i) => Math.max(head.length, ...rows.map((row) => (row[i] ?? "").length)));
  const line = (cells: readonly string[]) =>
    `  ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join("   ")}`.trimEnd();
  return [paint(look, "dim", line(heads)), ...rows.map(line)];
}
