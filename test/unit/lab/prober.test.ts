import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { availability } from "../../../lab/outage.ts";
import { startProber } from "../../../lab/prober.ts";

test("the prober sees an outage of a real server, over new connections", async () => {
  const dir = mkdtempSync(join(tmpdir(), "prober-"));
  const [keyFile, certFile] = [join(dir, "key.pem"), join(dir, "cert.pem")];
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
  const san = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"];
  const args = ["req", "-x509", ...curve, "-nodes", ...san, "-keyout", keyFile, "-out", certFile];
  execFileSync("openssl", args, { stdio: "ignore" });
  const [key, cert] = [readFileSync(keyFile), readFileSync(certFile)];
  rmSync(dir, { recursive: true });

  let healthy = true;
  let connections = 0;
  const server = createServer({ key, cert }, (_, response) => {
    response.statusCode = healthy ? 200 : 503;
    response.end();
  }).on("secureConnection", () => connections++);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const url = `https://127.0.0.1:${port}/readyz`;
  const prober = startProber({ url, intervalMs: 25, timeoutMs: 10_000, ca: cert.toString() });
  const seen = await watch().finally(() => server.close());
  assert.equal(seen.outages.length, 1);
  assert.ok(seen.longestMs >= 200 && seen.longestMs <= 2_000, `${seen.longestMs} ms`);
  assert.equal(connections, seen.total);

  async function watch() {
    await sleep(500);
    healthy = false;
    await sleep(300);
    healthy = true;
    await sleep(300);
    return availability(await prober.stop());
  }
});
