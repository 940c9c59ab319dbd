import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { cacheDir } from "../../lab/paths.ts";
import { type Cell, keyOf, settingsOf } from "./cell.ts";
import type { Row } from "./run.ts";

/** Where the rows of all calls are kept, so that a benchmark of hours may be cut into pieces. */
const file = () => join(cacheDir(), "bench", "failover.json");

/** The rows of earlier calls; none where there was no call, or its file cannot be read. */
export function readRows(): Row[] {
  try {
    return JSON.parse(readFileSync(file(), "utf8")) as Row[];
  } catch {
    return [];
  }
}

/** Writes all rows, whole or not at all. */
export function writeRows(rows: readonly Row[]): void {
  mkdirSync(dirname(file()), { recursive: true });
  writeFileSync(`${file()}.part`, `${JSON.stringify(rows, null, 1)}\n`);
  renameSync(`${file()}.part`, file());
}

/** The rows of a cell that were measured with the settings of today. */
export function rowsOf(rows: readonly Row[], cell: Cell): Row[] {
  return rows.filter((row) => row.key === keyOf(cell) && row.settings === settingsOf(cell));
}
