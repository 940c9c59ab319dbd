import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { hasImage, imagesIn } from "../../../lab/k3s/archive.ts";
import { architecture } from "../../../lab/k3s/cache.ts";
import { pullImage } from "../../../lab/k3s/pull.ts";
import { command } from "../../../lab/machines/command.ts";

const digestOf = (content: string) => `sha256:${createHash("sha256").update(content).digest("hex")}`;

describe("an image from a registry", () => {
  let directory: string;
  let close: () => void;
  let base: string;
  /** What is served: path below the repository to content. */
  let served: Map<string, string>;
  let login = "";
  const said: string[] = [];

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "pull-"));
    served = new Map();
    login = "";
    const server = createServer((request, response) => {
      const { pathname, searchParams } = new URL(request.url!, base);
      if (pathname === "/token") {
        const asked = `${searchParams.get("service")} ${searchParams.get("scope")}`;
        return response.end(JSON.stringify({ token: asked === "s repository:a/b:pull" ? "t" : "wrong" }));
      }
      if (login && request.headers.authorization !== "Bearer t")
        return response.writeHead(401, { "www-authenticate": login }).end();
      const content = served.get(pathname.replace("/v2/a/b/", ""));
      response.writeHead(content === undefined ? 404 : 200).end(content);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    close = () => server.close();
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterEach(async () => {
    close();
    await rm(directory, { recursive: true });
  });

  const put = (kind: string, content: string | object) => {
    const text = typeof content === "string" ? content : JSON.stringify(content);
    const digest = digestOf(text);
    served.set(`${kind}/${digest}`, text);
    return { digest, size: text.length };
  };
  const image = () => {
    const layers = [put("blobs", "layer")];
    const manifest = put("manifests", { config: put("blobs", "config"), layers });
    const platform = { os: "linux", architecture };
    const other = { digest: digestOf("other"), platform: { os: "linux", architecture: "s390x" } };
    return put("manifests", { manifests: [other, { ...manifest, platform }] }).digest;
  };
  const archive = () => join(directory, "image.tar");
  const pull = (digest: string) =>
    pullImage(`ghcr.io/a/b:v1@${digest}`, archive(), (text) => said.push(text), base);

  test("it becomes an archive that has it by its digest, with the parts for this processor", async () => {
    const digest = image();
    login = `Bearer realm="${base}/token",service="s",scope="repository:a/b:pull"`;
    assert.equal(await pull(digest), true);
    const images = await imagesIn(archive());
    assert.equal(hasImage(images, `ghcr.io/a/b:v1@${digest}`), true);
    assert.equal(hasImage(images, "ghcr.io/a/b:v1"), true);
    const { stdout } = await command("tar", ["-tf", archive()]);
    assert.equal(stdout.match(/blobs\/sha256\/[0-9a-f]{64}/g)?.length, 4);
    assert.deepEqual(await readdir(directory), ["image.tar"]);
  });

  test("a part that is another than the one that was asked for is refused, and nothing stays", async () => {
    const digest = image();
    served.set(`blobs/${digestOf("layer")}`, "another");
    assert.equal(await pull(digest), false);
    assert.match(said.at(-1)!, /b:v1 cannot be downloaded: blobs\/sha256:[0-9a-f]{64} has sha256:/);
    assert.deepEqual(await readdir(directory), []);
  });

  test("a registry that wants a login, or has no such image or processor, is told", async () => {
    const digest = image();
    login = "Basic";
    assert.equal(await pull(digest), false);
    assert.match(said.at(-1)!, /it wants a login: Basic/);
    login = "";
    assert.equal(await pull(digestOf("none")), false);
    assert.match(said.at(-1)!, /manifests\/sha256:[0-9a-f]{64} answers 404/);
    const foreign = put("manifests", {
      manifests: [{ digest, platform: { os: "linux", architecture: "x" } }],
    });
    assert.equal(await pull(foreign.digest), false);
    assert.match(said.at(-1)!, /it has no image for (amd64|arm64)/);
  });
});
