import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { Hierarchy } from "../../../lab/machines/cgroup.ts";
import { equip, hostSettings } from "../../../lab/machines/equipment.ts";

const all = "CapBnd:\t000001ffffffffff\n";
const withoutResource = "CapBnd:\t000001fffeffffff\n";
const unified: Hierarchy[] = [{ mountpoint: "/sys/fs/cgroup", version: 2, cpuset: false }];
const hybrid: Hierarchy[] = [
  { mountpoint: "/sys/fs/cgroup/memory", version: 1, cpuset: false },
  { mountpoint: "/sys/fs/cgroup/unified", version: 2, cpuset: false },
];

test("k3s is told what a host lacks, and nothing on one that lacks nothing", () => {
  assert.deepEqual(hostSettings(all, unified), []);
  const [containerd, kubelet] = hostSettings(withoutResource, hybrid);
  assert.match(containerd!.text, /^version = 3\n\n.*\n {2}restrict_oom_score_adj = true$/m);
  assert.match(kubelet!.text, /^failCgroupV1: false$/m);
  assert.equal(hostSettings(withoutResource, unified).length, 1);
  assert.equal(hostSettings(all, hybrid).length, 1);
});

test("a machine is equipped once; what k3s loses comes back from beside its data", async () => {
  const directory = await mkdtemp(join(tmpdir(), "equip-"));
  try {
    const rancher = join(directory, "rancher");
    const archive = join(directory, "images.tar");
    await mkdir(rancher);
    await writeFile(archive, "images");
    const settings = hostSettings(withoutResource, hybrid);
    const give = () => equip(join(directory, "root"), rancher, [archive], settings);
    await give();
    const image = await findImage(join(rancher, "k3s/agent/images"));
    assert.equal((await stat(image)).ino, (await stat(archive)).ino, "one file on the disk");
    for (const { path, text } of settings)
      assert.equal(await readFile(join(rancher, "k3s/agent/etc", path), "utf8"), text);
    const unit = join(directory, "root/usr/local/lib/systemd/system/k3s-agent.service.d/lab.conf");
    assert.match(await readFile(unit, "utf8"), /^ExecStartPre=-.*\/var\/lib\/rancher\/\.lab\/agent /m);

    await rm(join(rancher, "k3s"), { recursive: true });
    await writeFile(archive, "images of another release");
    await give();
    assert.equal(await readFile(archive, "utf8"), "images of another release");
    await findImage(join(rancher, "k3s/agent/images"));
  } finally {
    await rm(directory, { recursive: true });
  }
});

async function findImage(directory: string): Promise<string> {
  const names = await readdir(directory);
  assert.ok(names.length > 0 && names.every((name) => name.endsWith("-images.tar")), names.join());
  return join(directory, names[0]!);
}
