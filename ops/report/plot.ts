import { scaleLinear, scaleLog } from "d3-scale";
import { type Html, html } from "./html.ts";
import type { Plot, Point } from "./model.ts";

/** In units of the drawing, which is scaled to the width of the page. */
const size = { width: 960, height: 300, left: 58, right: 14, top: 26, bottom: 34 };
const inner = { right: size.width - size.right, bottom: size.height - size.bottom };
/** Below that a request is not told from another one, milliseconds. */
const floorMs = 1;
/** Narrower bands have no room for their length, units of the drawing. */
const labelled = 44;

/** Draws a plot as SVG, without a script: it shows in every browser, from a file, and on paper. */
export function draw({ title, series, bands, happenings }: Plot): Html {
  const points = series.flatMap((one) => one.points);
  const times = [...points.map(({ at }) => at), ...happenings.map(({ at }) => at)];
  const [from, to] = [least(times, 0), most(times, 1)];
  const x = scaleLinear([0, Math.max(1, to - from)], [size.left, inner.right]);
  const y = scaleLog(
    [
      floorMs,
      Math.max(
        10,
        most(
          points.map(({ ms }) => ms),
          0,
        ),
      ),
    ],
    [inner.bottom, size.top],
  ).nice();
  const px = (at: number) => x(at - from).toFixed(1);
  const py = (ms: number) => y(Math.max(floorMs, ms)).toFixed(1);
  const dots = (chosen: readonly Point[]) => chosen.map(({ at, ms }) => `M${px(at)} ${py(ms)}h0`).join("");

  const outages = bands.map((band) => {
    const width = x(band.to - from) - x(band.from - from);
    const length = `${((band.to - band.from) / 1000).toFixed(1)} s`;
    const label = html`<text x="${(x(band.from - from) + width / 2).toFixed(1)}" y="${size.top + 14}">${length}</text>`;
    return html`<g class="outage"><title>${length} without an answer</title>
      <rect x="${px(band.from)}" y="${size.top}" width="${Math.max(1, width).toFixed(1)}" height="${inner.bottom - size.top}"/>
      ${width >= labelled ? label : ""}</g>`;
  });
  const lines = happenings.map(
    ({ at, what }, index) => html`<g class="happening"><title>${what}</title>
      <line x1="${px(at)}" x2="${px(at)}" y1="${size.top}" y2="${inner.bottom}"/>
      <text x="${px(at)}" y="${size.top - 8}">${index + 1}</text></g>`,
  );
  const clouds = series.map(
    ({ name, points }, index) => html`<g class="series s${index}"><title>${name}</title>
      <path class="ok" d="${dots(points.filter(({ ok }) => ok))}"/>
      <path class="failed" d="${dots(points.filter(({ ok }) => !ok))}"/></g>`,
  );
  return html`<figure class="plot">
    <figcaption>${title}</figcaption>
    <svg viewBox="0 0 ${size.width} ${size.height}" role="img" aria-label="${title}">
      ${grid(x, y)}${outages}${lines}${clouds}
    </svg>
    <p class="legend">${series.map(({ name }, index) => html`<span class="s${index}"><i></i>${name}</span>`)}
      <span class="failed"><i></i>failed</span><span class="outage"><i></i>no answer</span></p>
  </figure>`;
}

type Scale = { (value: number): number; ticks(count?: number): number[] };

/** Both axes: seconds since the first request, and milliseconds in powers of ten. */
function grid(x: Scale, y: Scale): Html {
  const across = y.ticks().filter((ms) => Number.isInteger(Math.log10(ms)));
  return html`<g class="grid">
    ${across.map(
      (
        ms,
      ) => html`<line x1="${size.left}" x2="${inner.right}" y1="${y(ms).toFixed(1)}" y2="${y(ms).toFixed(1)}"/>
      <text class="y" x="${size.left - 6}" y="${(y(ms) + 4).toFixed(1)}">${ms < 1000 ? `${ms} ms` : `${ms / 1000} s`}</text>`,
    )}
    ${x
      .ticks(10)
      .map(
        (ms) => html`<text class="x" x="${x(ms).toFixed(1)}" y="${inner.bottom + 18}">${ms / 1000} s</text>`,
      )}
  </g>`;
}

const least = (values: readonly number[], none: number) =>
  values.reduce((a, b) => Math.min(a, b), values[0] ?? none);
const most = (values: readonly number[], none: number) =>
  values.reduce((a, b) => Math.max(a, b), values[0] ?? none);
