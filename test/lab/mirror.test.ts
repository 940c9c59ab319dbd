import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { release, serveMirror, trailer } from "../../lab/standin/mirror.ts";

test("a mirror serves each version under its own checksum, with + or %2B in the address", async () => {
  const directory = await mkdtemp(join(tmpdir(), "mirror-"));
  const base = join(directory, "base");
  await writeFile(base, "binary");
  const releases = [await release(base, "v1.34.1+k3s1"), await release(base, "v1.34.2+k3s1")];
  assert.notEqual(releases[0]!.sha256, releases[1]!.sha256);
  const arm = process.arch === "arm64";
  const [binary, sumsFile] = arm ? ["k3s-arm64", "sha256sum-arm64.txt"] : ["k3s", "sha256sum-amd64.txt"];
  const mirror = await serveMirror({ address: "127.0.0.1", port: 0, releases });
  try {
    for (const { version, sha256 } of releases) {
      for (const spelled of [version, encodeURIComponent(version)]) {
        const answer = await fetch(`${mirror.url}/${spelled}/${binary}`);
        const content = Buffer.from(await answer.arrayBuffer());
        assert.equal(content.toString(), `binary${trailer(version)}`);
        assert.equal(createHash("sha256").update(content).digest("hex"), sha256);
      }
      const sums = await fetch(`${mirror.url}/${version}/${sumsFile}`);
      assert.equal(await sums.text(), `${sha256}  ${binary}\n`);
    }
    assert.equal((await fetch(`${mirror.url}/v9.9.9+k3s1/k3s`)).status, 404);
  } finally {
    await mirror.close();
    await rm(directory, { recursive: true });
  }
});

test("a version that k3s could not have is refused", () => {
  assert.throws(() => trailer("v1.34\n"), /want one like v1\.34\.2\+k3s1/);
});
