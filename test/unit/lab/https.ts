import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { RequestListener } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** An HTTPS server on the loopback with a certificate of its own, which is its own CA. */
export type TestServer = { server: Server; url: string; cert: string; key: string };

export async function serveHttps(answer: RequestListener): Promise<TestServer> {
  const dir = mkdtempSync(join(tmpdir(), "https-"));
  const [keyFile, certFile] = [join(dir, "key.pem"), join(dir, "cert.pem")];
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
  const san = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"];
  const args = ["req", "-x509", ...curve, "-nodes", ...san, "-keyout", keyFile, "-out", certFile];
  execFileSync("openssl", args, { stdio: "ignore" });
  const [key, cert] = [readFileSync(keyFile, "utf8"), readFileSync(certFile, "utf8")];
  rmSync(dir, { recursive: true });
  const server = createServer({ key, cert }, answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { server, url: `https://127.0.0.1:${port}`, cert, key };
}
