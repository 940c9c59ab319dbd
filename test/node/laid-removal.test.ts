import assert from "node:assert/strict";
import { existsSync, mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { data, lay, ofUser, ownCa, same } from "./laid.ts";
import {
  comesUp,
  files,
  laid,
  livingAgent,
  livingServer,
  prepared,
  removal,
  stillOwn,
} from "./laid-nodes.ts";
import { emptyRoot, functions, put } from "./shell.ts";

for (const [role, living] of [
  ["server", livingServer],
  ["agent", livingAgent],
] as const) {
  test(`F7 S34 the removal of the ${role} leaves nothing of k3s, and names what is left of the user's`, async () => {
    const root = await living();
    const { stdout, stderr } = await removal(root, role);
    const own =
      role === "server" ? stillOwn : { ...ownCa, "etc/rancher/k3s/k3s.yaml": "a copy of the user's\n" };
    const mine = laid(ofUser, own);
    same(files(root), mine);
    const { leftBehind } = JSON.parse(stdout);
    const named = Object.keys(mine).filter((path) => !path.startsWith("var/lib/cni"));
    const paths = named.map((path) => `/${path.replace(/(storage)\/.*/, "$1")}`).sort();
    assert.deepEqual(leftBehind, paths);
    assert.match(stderr, /left here, since neither k3s nor this program wrote it: .*50-mine\.conf/);
  });
}

test("F7 S34 a removal without files of a user leaves no directory and says nothing of them", async () => {
  const root = emptyRoot();
  await comesUp(root, "forget_before; finish_step ok");
  put(root, "etc/rancher/node/password", "password");
  const { stdout, stderr } = await removal(root, "server");
  assert.deepEqual(JSON.parse(stdout).leftBehind, []);
  assert.doesNotMatch(stderr, /left here/);
  assert.ok(!existsSync(join(root, "var/lib/rancher")) && !existsSync(join(root, "etc/rancher")));
});

test("F7 S34 a node that never came up is removed: what its first start wrote over is the user's again", async () => {
  const root = prepared();
  await comesUp(root, "kill -9 $$");
  await removal(root, "server");
  same(files(root), laid(ofUser, ownCa));
});

test("F7 images: a removal takes away those that this program put there, and no others", async () => {
  const root = emptyRoot();
  const images = `${data}/agent/images`;
  lay(root, { [`${images}/mine.tar`]: "mine\n", [`${images}/k3s-airgap-images-amd64.tar.zst`]: "mine\n" });
  put(root, "upload/k3s-airgap-images-amd64.tar.zst", "of the release\n");
  const upload = `ARCH=amd64 ARG[upload]=$ROOT/upload; stage_binary() { REPLY=""; }; put_binary`;
  const undone = await comesUp(root, `${upload}; die no luck`);
  assert.match(undone.stderr, /warning: the images in \S+ are not those of the release/);
  const mine = laid({ [`${images}/mine.tar`]: "mine\n" });
  const release = `${images}/k3s-airgap-images-amd64.tar.zst`;
  same(files(root), {
    ...mine,
    [release]: "640 mine\n",
    "upload/k3s-airgap-images-amd64.tar.zst": "600 of the release\n",
  });
  await comesUp(root, `${upload}; forget_before; finish_step ok`);
  assert.equal(files(root)[release], "600 of the release\n");
  const { stdout } = await removal(root, "server");
  assert.deepEqual(JSON.parse(stdout).leftBehind, [`/${release}.before`, `/${images}/mine.tar`]);
});

test("F7 links and disks of the user's are neither removed nor emptied of what is not k3s'", async () => {
  const root = emptyRoot();
  lay(root, { "nas/snapshots/of-another-server": "etcd\n", "nas/images/mine.tar": "images\n" });
  lay(root, { "ssd/etcd/mine": "note\n", "ssd/containerd/mine": "note\n" });
  for (const [link, target] of [
    ["server/db/snapshots", "nas/snapshots"],
    ["server/db/etcd", "ssd/etcd"],
    ["agent/images", "nas/images"],
    ["agent/containerd", "ssd/containerd"],
  ] as const) {
    mkdirSync(join(root, data, link, ".."), { recursive: true });
    symlinkSync(join(root, target), join(root, data, link));
  }
  const before = { ...files(root), "nas/snapshots/one": "600 k3s\n" }; // this server's, where the user wants them
  await comesUp(root, "forget_before; finish_step ok");
  // what is mounted below a directory that has a name of k3s' is never entered
  const mounted = `${data}/agent/containerd/io.containerd.snapshotter.v1.overlayfs`;
  put(root, `${mounted}/snapshots/1`, "on a disk of its own\n");
  put(
    root,
    "proc/self/mounts",
    `/dev/sdb ${join(root, "ssd/containerd")}/${mounted.split("/").pop()} ext4 rw 0 0\n`,
  );
  await removal(root, "server");
  same(files(root), {
    ...before,
    "ssd/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/1": "600 on a disk of its own\n",
    "proc/self/mounts": files(root)["proc/self/mounts"]!,
  });
});

test("F7 only what containers and pods have mounted is unmounted", async () => {
  const root = emptyRoot();
  const at = (path: string) => join(root, path);
  const disks = [
    `${data}/agent/images`,
    `${data}/agent/containerd`,
    "var/lib/kubelet",
    `${data}/server/db/snapshots`,
  ];
  const theirs = [
    "run/k3s/containerd/1/rootfs",
    `${data}/agent/containerd/tmpmounts/1`,
    "var/lib/kubelet/pods/1/volumes/x",
  ];
  for (const path of theirs) mkdirSync(at(path), { recursive: true });
  put(root, "proc/self/mounts", [...disks, ...theirs].map((path) => `x ${at(path)} ext4 rw 0 0\n`).join(""));
  const { stdout } = await functions(
    `systemctl() { :; }; end_kube_vips() { :; }; clean_network() { :; }; umount() { printf '%s\\n' "\${@: -1}"; }
     UNIT=k3s.service; stop_for_good`,
    [],
    root,
  );
  assert.deepEqual(stdout.trim().split("\n").sort(), theirs.map(at).sort());
});
