import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { architecture, cachedReleases, doubt } from "../../../lab/k3s/cache.ts";
import { choose, findK3s } from "../../../lab/k3s/find.ts";
import { downloadRelease } from "../../../lab/k3s/official.ts";
import { alike } from "../../../lab/k3s/versions.ts";
import { command } from "../../../lab/machines/command.ts";

const sha = (content: string) => createHash("sha256").update(content).digest("hex");

test("releases are taken that stand to each other as those that are wanted do", () => {
  const there = ["v1.34.8+k3s1", "v1.34.9+k3s1", "v1.35.5+k3s1", "v1.36.1+k3s1"];
  for (const [wanted, expected] of [
    [["v1.33.6+k3s1"], ["v1.34.8+k3s1"]],
    [
      ["v1.34.2+k3s1", "v1.35.8+k3s1"],
      ["v1.34.8+k3s1", "v1.35.5+k3s1"],
    ],
    [
      ["v1.33.5+k3s1", "v1.33.6+k3s1", "v1.34.2+k3s1"],
      ["v1.34.8+k3s1", "v1.34.9+k3s1", "v1.35.5+k3s1"],
    ],
    [
      ["v1.33.5+k3s1", "v1.35.1+k3s1"],
      ["v1.34.8+k3s1", "v1.36.1+k3s1"],
    ],
    [
      ["v1.35.8+k3s1", "v1.34.2+k3s1"],
      ["v1.35.5+k3s1", "v1.34.8+k3s1"],
    ],
    [["v1.33.5+k3s1", "v1.34.1+k3s1", "v1.35.1+k3s1", "v1.36.1+k3s1"], undefined],
    [["v1.34.1+k3s1", "v1.35.1+k3s1", "v1.35.2+k3s1"], undefined],
  ] as const) {
    assert.deepEqual(alike(wanted, there), expected, wanted.join());
  }
  assert.equal(alike(["v1.34.2+k3s1"], []), undefined);
});

test("of one version the very one is taken where it is there, else the newest", () => {
  const release = (version: string) => ({ version, path: "", archives: [] });
  const there = [release("v1.34.2+k3s1"), release("v1.35.5+k3s1")];
  assert.deepEqual(choose(["v1.34.2+k3s1"], there), [there[0]]);
  assert.deepEqual(choose(["v1.34.3+k3s1"], there), [there[1]]);
  assert.equal(choose(["v1.34.3+k3s1"], []), undefined);
});

test("a sum is the pinned one, another, or of a version that is not pinned", () => {
  const pinned = { "v1.34.2+k3s1": { [architecture]: "ab" } };
  assert.equal(doubt("v1.34.2+k3s1", "ab", pinned), undefined);
  assert.equal(doubt("v1.34.2+k3s1", "cd", pinned), "altered");
  assert.equal(doubt("v1.34.3+k3s1", "ab", pinned), "unpinned");
});

describe("a cache of its own", () => {
  let directory: string;
  let outside: string | undefined;
  const cache = (...path: string[]) => join(directory, "homelab-k3s", ...path);

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "k3s-find-"));
    outside = process.env.XDG_CACHE_HOME;
    process.env.XDG_CACHE_HOME = directory;
  });
  afterEach(async () => {
    process.env.XDG_CACHE_HOME = outside;
    if (outside === undefined) delete process.env.XDG_CACHE_HOME;
    await rm(directory, { recursive: true });
  });

  const put = async (version: string, content: string, ...archives: string[]) => {
    await mkdir(cache("k3s", version), { recursive: true });
    await writeFile(cache("k3s", version, "k3s"), content, { mode: 0o755 });
    for (const name of archives) await archive(cache("k3s", version, name), `${name}:1`);
  };
  const archive = async (file: string, image: string) => {
    const list = join(directory, "manifest.json");
    await writeFile(list, JSON.stringify([{ RepoTags: [image] }]));
    await command("tar", ["-C", directory, "-cf", file, "manifest.json"]);
  };
  const wish = (k3s: string, versions = ["v1.34.2+k3s1"]) => ({ k3s, images: [], versions });

  test("what lies there is found: releases with their images, and images of no release", async () => {
    await put("v1.35.5+k3s1", "new", "b.tar", "a.tar", "a.tar.sha256");
    await put("v1.34.8+k3s1", "old");
    await mkdir(cache("k3s", "v1.36.1+k3s1"));
    await put("latest", "no version");
    assert.deepEqual(
      (await cachedReleases()).map(({ version, archives }) => [version, archives.length]),
      [
        ["v1.34.8+k3s1", 0],
        ["v1.35.5+k3s1", 2],
      ],
    );
    await mkdir(cache("images"));
    await archive(cache("images", "kube-vip.tar"), "ghcr.io/kube-vip/kube-vip:v1");
    const extra = join(directory, "extra.tar");
    await archive(extra, "extra:1");
    const found = await findK3s({ ...wish("any"), images: [extra] }, undefined, () => {});
    assert.equal(found.standin, false);
    assert.deepEqual(
      found.releases.map(({ version, sha256 }) => [version, sha256]),
      [["v1.35.5+k3s1", sha("new")]],
    );
    assert.deepEqual([...found.images].sort(), [
      "docker.io/library/a.tar:1",
      "docker.io/library/b.tar:1",
      "docker.io/library/extra:1",
      "ghcr.io/kube-vip/kube-vip:v1",
    ]);
    assert.match(found.notes.join(), /v1\.35\.5\+k3s1 is real, but its sum is not pinned/);
  });

  test("a file that is not the release it lies as is refused", async () => {
    await put("v1.34.2+k3s1", "altered");
    await assert.rejects(
      findK3s(wish("any"), undefined, () => {}),
      /v1\.34\.2\+k3s1\/k3s: found sha256 .*, want that of v1\.34\.2\+k3s1/,
    );
  });

  test("a named binary says itself what it is; its images in the cache come with it", async () => {
    await put("v1.34.8+k3s1", "", "images.tar");
    const file = join(directory, "mine");
    await writeFile(file, "#!/bin/sh\necho 'k3s version v1.34.8+k3s1 (abc)'\n", { mode: 0o755 });
    const found = await findK3s(wish(file), undefined, () => {});
    assert.equal(found.from, `v1.34.8+k3s1 from ${file}`);
    assert.equal(found.archives.length, 1);
    await assert.rejects(
      findK3s(wish("/bin/echo"), undefined, () => {}),
      /--k3s \/bin\/echo: found .*, want a k3s binary/,
    );
  });

  test("a lab keeps the release that it runs, whatever comes into the cache; a lost one is named", async () => {
    await put("v1.34.8+k3s1", "old");
    const [old] = await cachedReleases();
    await put("v1.35.5+k3s1", "new");
    const kept = { ...old!, standin: false };
    const found = await findK3s(wish("any"), kept, () => {});
    assert.equal(found.releases[0]!.version, "v1.34.8+k3s1");
    const gone = { ...kept, path: "/nowhere" };
    assert.equal((await findK3s(wish("any"), gone, () => {})).releases[0]!.path, old!.path);
    await rm(cache("k3s", "v1.34.8+k3s1"), { recursive: true });
    await assert.rejects(
      findK3s(wish("any"), kept, () => {}),
      /want the v1\.34\.8\+k3s1 that this lab runs/,
    );
  });

  test("several versions that the cache cannot have the like of are named", async () => {
    await put("v1.34.8+k3s1", "old");
    await assert.rejects(
      findK3s(wish("real", ["v1.34.2+k3s1", "v1.35.8+k3s1"]), undefined, () => {}),
      /found no real releases for v1\.34\.2\+k3s1, v1\.35\.8\+k3s1/,
    );
  });

  test("a download is believed when its list gives the pinned sum, and each file fits the list", async () => {
    const version = "v1.34.2+k3s1";
    const binary = architecture === "arm64" ? "k3s-arm64" : "k3s";
    const images = `k3s-airgap-images-${architecture}.tar.zst`;
    const files: Record<string, string> = { [binary]: "binary", [images]: "images" };
    const list = (sums: string) => ({ ...files, [`sha256sum-${architecture}.txt`]: sums });
    const good = `${sha("binary")}  ${binary}\n${sha("images")}  ${images}\n`;
    let served: Record<string, string> = list(good);
    const server = createServer((request, response) => {
      const [, asked = "", name = ""] = decodeURIComponent(request.url!).split("/");
      const content = asked === version ? served[name] : undefined;
      response.writeHead(content === undefined ? 404 : 200).end(content);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const mirror = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const source = { mirror, pinned: { [version]: { [architecture]: sha("binary") } } };
    const said: string[] = [];
    const download = (what = version) => downloadRelease(what, (text) => said.push(text), source);
    try {
      assert.equal(await download("v1.34.3+k3s1"), false, "not pinned");
      for (const [wrong, why] of [
        [list(good.replace(sha("binary"), sha("other"))), /gives [0-9a-f]{64} for k3s.*, want/],
        [list(`${sha("binary")}  ${binary}\n`), /tar\.zst is not in the list of checksums/],
        [{ ...list(good), [binary]: "cut" }, /has sha256 .*, want/],
        [{ ...list(good), [images]: "cut" }, /tar\.zst has sha256 .*, want/],
      ] as const) {
        served = wrong;
        assert.equal(await download(), false);
        assert.match(said.at(-1)!, why);
        assert.deepEqual(await readdir(cache("k3s")), []);
      }
      served = list(good);
      assert.equal(await download(), true);
      const [release] = await cachedReleases();
      assert.equal(release?.version, version);
      assert.equal(await readFile(release!.path, "utf8"), "binary");
      assert.equal(release!.archives.length, 1);
    } finally {
      server.close();
    }
  });
});
