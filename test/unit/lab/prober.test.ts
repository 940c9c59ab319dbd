import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { availability } from "../../../measure/outage.ts";
import { startProber } from "../../../measure/prober.ts";
import { serveHttps } from "./https.ts";

test("the prober sees an outage of a real server, over new connections", async () => {
  let healthy = true;
  let connections = 0;
  const { server, url, cert } = await serveHttps((_, response) => {
    response.statusCode = healthy ? 200 : 503;
    response.end();
  });
  server.on("secureConnection", () => connections++);
  const prober = await startProber({ url: `${url}/readyz`, intervalMs: 25, timeoutMs: 10_000, ca: cert });
  const seen = await watch().finally(() => server.close());
  assert.equal(seen.outages.length, 1);
  assert.ok(seen.longestMs >= 200 && seen.longestMs <= 2_000, `${seen.longestMs} ms`);
  assert.equal(connections, seen.total);

  async function watch() {
    assert.ok(connections > 0, "it works from the moment on that it is there");
    await sleep(200);
    healthy = false;
    await sleep(300);
    healthy = true;
    await sleep(300);
    return availability(await prober.stop());
  }
});
