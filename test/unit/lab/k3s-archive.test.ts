import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { kubeVipImage } from "../../../config/images.ts";
import { hasImage, imagesIn, referencesIn } from "../../../lab/k3s/archive.ts";
import { podPlan } from "../../../lab/k3s/plan.ts";
import { command } from "../../../lab/machines/command.ts";

const digest = `sha256:${"a".repeat(64)}`;
const entry = (name: string) => ({ digest, annotations: { "io.containerd.image.name": name } });

test("images have the names that k3s gives them: in full, and by their digest", () => {
  const manifest = JSON.stringify([
    { RepoTags: ["busybox:1", "rancher/mirrored-pause:3.6"] },
    { RepoTags: null },
    { RepoTags: ["localhost/a:1", "registry:5000/b:2"] },
  ]);
  assert.deepEqual(referencesIn(undefined, manifest), [
    "docker.io/library/busybox:1",
    "docker.io/rancher/mirrored-pause:3.6",
    "localhost/a:1",
    "registry:5000/b:2",
  ]);
  const index = JSON.stringify({ manifests: [entry("ghcr.io/a/b:v1"), entry(`ghcr.io/c/d@${digest}`)] });
  assert.deepEqual(referencesIn(index, manifest), [
    "ghcr.io/a/b:v1",
    `ghcr.io/a/b@${digest}`,
    `ghcr.io/c/d@${digest}`,
  ]);
  const nameless = JSON.stringify({
    manifests: [{ digest, annotations: { "org.opencontainers.image.ref.name": "v1" } }],
  });
  assert.deepEqual(referencesIn(nameless, undefined), []);
});

test("an image that is wanted by digest must have it, under the same repository", () => {
  const wanted = `ghcr.io/a/b:v1@${digest}`;
  assert.equal(hasImage([`ghcr.io/a/b@${digest}`], wanted), true);
  assert.equal(hasImage([`ghcr.io/a/b:v1@${digest}`], wanted), true);
  assert.equal(hasImage(["ghcr.io/a/b:v1"], wanted), false);
  assert.equal(hasImage([`ghcr.io/other/b@${digest}`], wanted), false);
  assert.equal(hasImage(["docker.io/library/busybox:1"], "busybox:1"), true);
});

test("an archive is read as it is, plain or compressed; anything else is named", async () => {
  const directory = await mkdtemp(join(tmpdir(), "archive-test-"));
  try {
    await writeFile(join(directory, "manifest.json"), JSON.stringify([{ RepoTags: ["busybox:1"] }]));
    const plain = join(directory, "a.tar");
    await command("tar", ["-C", directory, "-cf", plain, "manifest.json"]);
    const content = await readFile(plain);
    await writeFile(`${plain}.gz`, gzipSync(content));
    await writeFile(`${plain}.zst`, zstdCompressSync(content));
    for (const file of [plain, `${plain}.gz`, `${plain}.zst`])
      assert.deepEqual(await imagesIn(file), ["docker.io/library/busybox:1"]);
    const other = join(directory, "other.tar");
    await writeFile(other, "no archive");
    await assert.rejects(imagesIn(join(directory, "gone.tar")), /gone\.tar: found no such file/);
    await assert.rejects(imagesIn(other), /other\.tar: found no list of images in it/);
  } finally {
    await rm(directory, { recursive: true });
  }
});

const pause = "docker.io/rancher/mirrored-pause:3.6";
const kubeVip = kubeVipImage.replace(/:[^:@]*@/, "@");

test("what runs in pods is what images there are for; the rest is named", () => {
  const none = podPlan([]);
  assert.equal(none.endpoint, "keepalived");
  assert.equal(none.workload, undefined);
  assert.match(none.notes.join(), /no pods run/);

  const airgap = podPlan([
    pause,
    "docker.io/rancher/mirrored-coredns-coredns:1.14.4",
    "docker.io/rancher/local-path-provisioner:v0.0.36",
    "docker.io/rancher/mirrored-metrics-server:v0.8.1",
    "docker.io/rancher/mirrored-library-busybox:1.37.0",
  ]);
  assert.equal(airgap.endpoint, "keepalived");
  assert.deepEqual(airgap.disable, []);
  assert.equal(airgap.workload, "docker.io/rancher/mirrored-library-busybox:1.37.0");
  assert.match(airgap.notes.join(), /keepalived holds the endpoint's address/);

  const own = podPlan([pause, kubeVip, "docker.io/library/lab-workload:1", "docker.io/library/busybox:1"]);
  assert.equal(own.endpoint, "kube-vip");
  assert.deepEqual(own.disable, ["coredns", "local-storage", "metrics-server"]);
  assert.equal(own.workload, "docker.io/library/lab-workload:1");
});
