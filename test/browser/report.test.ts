import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import type { Browser, Page } from "playwright-core";
import type { Report } from "../../ops/report/model.ts";
import { writeReport } from "../../ops/report/page.ts";
import { skip, startBrowser } from "./browser.ts";

const hostile = `</title><script>alert(1)</script><img src="http://192.0.2.1/x" onerror='alert(2)'>`;
const began = Date.UTC(2030, 0, 1);
const everyMs = 50;
/** How far the stroke of a line may reach beyond it in a browser's eyes, pixels. */
const stroke = 8;

/** Twenty seconds of requests, three of which nobody answers. */
const points = Array.from({ length: 400 }, (_, index) => {
  const ok = index < 100 || index >= 160;
  return { at: began + index * everyMs, ms: ok ? 4 + (index % 7) : 1000, ok };
});
const outage = { from: began + 100 * everyMs, to: began + 160 * everyMs };
const happenings = [
  { at: outage.from, what: `the power of ${hostile} is cut` },
  { at: outage.to, what: "the API answers again" },
];
const report: Report = {
  title: `Drill of ${hostile}`,
  summary: "API away for 3.0 s",
  settings: { Requests: "every 50 ms, given up after 1000 ms", Server: hostile },
  sections: [
    { kind: "plot", title: "Latency", series: [{ name: hostile, points }], bands: [outage], happenings },
    {
      kind: "plot",
      title: "A run without a single request",
      series: [{ name: "nothing", points: [] }],
      bands: [],
      happenings: [],
    },
    { kind: "timeline", title: "What happened", happenings },
    { kind: "table", title: "Figures", head: ["server", "p50", "p99"], rows: [[hostile, "4 ms", "10 ms"]] },
  ],
};

describe("the report in a browser", { skip, timeout: 120_000 }, () => {
  let browser: Browser;
  let page: Page;
  let directory: string;
  const complaints: string[] = [];
  const requests: string[] = [];

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "report-"));
    const file = join(directory, "report.html");
    await writeReport(file, report);
    browser = await startBrowser();
    page = await browser.newPage();
    page.on("console", (message) => complaints.push(message.text()));
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("dialog", (dialog) => {
      complaints.push(`a script ran: ${dialog.message()}`);
      void dialog.dismiss();
    });
    page.on("request", (request) => requests.push(request.url()));
    await page.goto(pathToFileURL(file).href);
  });
  after(async () => {
    await browser?.close();
    await rm(directory, { recursive: true, force: true });
  });

  test("it asks for nothing and complains about nothing", () => {
    assert.deepEqual(
      requests.filter((url) => !url.startsWith("file:")),
      [],
    );
    assert.deepEqual(complaints, []);
  });

  test("hostile names stand there as text", async () => {
    assert.equal(await page.title(), `Drill of ${hostile}`);
    assert.equal(await page.locator("tbody td").first().textContent(), hostile);
    assert.equal(await page.locator("script, img").count(), 0);
  });

  test("every request is drawn where it belongs", async () => {
    const plot = page.locator("figure.plot").first();
    const drawn = async (name: string) =>
      ((await plot.locator(`.series path.${name}`).getAttribute("d")) ?? "").split("M").length - 1;
    assert.deepEqual([await drawn("ok"), await drawn("failed")], [340, 60]);

    const area = (await plot.locator("svg").boundingBox())!;
    assert.ok(area.width > 600 && area.height > 150, JSON.stringify(area));
    const failed = (await plot.locator(".series path.failed").boundingBox())!;
    const band = (await plot.locator(".outage rect").boundingBox())!;
    // three of twenty seconds, and the failed ones inside of it, at the top
    assert.ok(band.width > area.width * 0.12 && band.width < area.width * 0.17, JSON.stringify(band));
    assert.ok(
      failed.x >= band.x - stroke && failed.x + failed.width <= band.x + band.width + stroke,
      `${JSON.stringify(failed)} in ${JSON.stringify(band)}`,
    );
    assert.ok(failed.y < area.y + area.height / 3);
    assert.equal(await plot.locator(".outage text").textContent(), "3.0 s");
  });

  test("the dots are painted, not only written down", async () => {
    const painted = await page.evaluate<{ same: boolean; color: string }>(`(() => {
      const path = document.querySelector(".series path.failed");
      path.scrollIntoView();
      const box = path.getBoundingClientRect();
      const there = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
      return { same: there === path, color: getComputedStyle(path).stroke };
    })()`);
    assert.equal(painted.same, true);
    assert.equal(painted.color, "rgb(207, 34, 46)");
  });

  test("settings stand beside the figures", async () => {
    assert.match(await page.locator(".settings").innerText(), /every 50 ms, given up after 1000 ms/);
  });

  for (const colorScheme of ["light", "dark"] as const)
    test(`it can be read when the desktop is ${colorScheme}`, async () => {
      await page.emulateMedia({ colorScheme });
      const body = "getComputedStyle(document.body)";
      const [ink, paper] = await page.evaluate<string[]>(`[${body}.color, ${body}.backgroundColor]`);
      assert.equal(luminance(paper!) > 0.5, colorScheme === "light");
      assert.ok(contrast(ink!, paper!) > 7, `${ink} on ${paper}`);
    });
});

/** Of a colour as browsers give it, `rgb(1, 2, 3)`, by WCAG. */
function luminance(color: string): number {
  const [r = 0, g = 0, b = 0] = color.match(/\d+/g)!.map((text) => {
    const part = Number(text) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(one: string, other: string): number {
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}
