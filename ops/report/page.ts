import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { Html, html } from "./html.ts";
import type { Plot, Report, Table, Timeline } from "./model.ts";
import { draw } from "./plot.ts";

const style = readFileSync(new URL("./report.css", import.meta.url), "utf8");

/**
 * The report as one page that needs nothing else: no script, no font, no image. Its policy forbids the browser to load
 * anything, even if something in it slipped past the escaping.
 */
export function page(report: Report): string {
  const { title, summary, settings, sections } = report;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<style>${new Html(style)}</style>
</head>
<body><main>
<h1>${title}</h1>
<p class="summary">${summary}</p>
<dl class="settings">${Object.entries(settings).map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
${sections.map(section)}
</main></body>
</html>
`.text;
}

/** Writes the report to a file. @throws when the file cannot be written */
export function writeReport(file: string, report: Report): Promise<void> {
  return writeFile(file, page(report));
}

function section(one: Plot | Table | Timeline): Html {
  if (one.kind === "plot") return draw(one);
  return one.kind === "table" ? table(one) : timeline(one);
}

const figure = (value: string | number | undefined) =>
  typeof value === "number" || /^[-–]$|^[<≤]?\s?\d/.test(value ?? "");

/** A column is one of figures when its first row has one. */
function table({ title, head, rows, note }: Table): Html {
  const right = head.map((_, column) => (figure(rows[0]?.[column]) ? "figure" : "text"));
  return html`<section><h2>${title}</h2>
  <div class="scroll"><table>
    <thead><tr>${head.map((name, column) => html`<th class="${right[column]!}">${name}</th>`)}</tr></thead>
    <tbody>${rows.map((row) => html`<tr>${row.map((cell, column) => html`<td class="${right[column] ?? "text"}">${cell}</td>`)}</tr>`)}</tbody>
  </table></div>
  ${note === undefined ? "" : html`<p class="note">${note}</p>`}</section>`;
}

function timeline({ title, happenings }: Timeline): Html {
  const first = happenings[0]?.at ?? 0;
  return html`<section><h2>${title}</h2><ol class="timeline">${happenings.map(
    ({ at, what }) => html`<li><b>${((at - first) / 1000).toFixed(1)} s</b> ${what}</li>`,
  )}</ol></section>`;
}
