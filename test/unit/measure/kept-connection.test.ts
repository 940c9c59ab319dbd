import assert from "node:assert/strict";
import { createSecureServer, type ServerHttp2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { availability } from "../../../measure/outage.ts";
import { startProber } from "../../../measure/prober.ts";
import { serveHttps } from "../lab/https.ts";

test("a kept connection is one connection, and a broken one is made anew", async () => {
  const { server, cert, key } = await serveHttps(() => {});
  server.close();
  const sessions: ServerHttp2Session[] = [];
  let silent = false;
  const http2 = createSecureServer({ cert, key }, (_, response) => {
    if (!silent) response.end();
  });
  http2.on("session", (session: ServerHttp2Session) => sessions.push(session));
  await new Promise<void>((resolve) => http2.listen(0, "127.0.0.1", resolve));
  const url = `https://127.0.0.1:${(http2.address() as AddressInfo).port}/readyz`;
  const prober = await startProber({ url, intervalMs: 25, timeoutMs: 200, ca: cert, connection: "kept" });
  try {
    await sleep(500);
    assert.equal(sessions.length, 1);
    silent = true; // as a server whose network is gone: the connection stays
    await sleep(400);
    silent = false;
    await sleep(200);
    assert.equal(sessions.length, 1);
    sessions[0]!.destroy();
    await sleep(400);
  } finally {
    http2.close();
  }
  const samples = await prober.stop();
  const seen = availability(samples);
  assert.equal(sessions.length, 2);
  assert.ok(seen.longestMs >= 300 && seen.longestMs < 2_000, `${seen.longestMs} ms`);
  assert.ok(!seen.openEnd && seen.total - seen.failed > 15, JSON.stringify(seen));
  for (const session of sessions) session.destroy();
});
