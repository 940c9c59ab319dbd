import assert from "node:assert/strict";
import { mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { data, filesOf, k3sRuns, ofAgent, ofServer, ofUser, same, treeOf } from "./laid.ts";
import { files, prepared } from "./laid-nodes.ts";
import { emptyRoot, functions, put } from "./shell.ts";

const server = "etc/systemd/system/k3s.service";

/** A k3s of another's, with a user's files: replaced as far as the first start of ours, and what follows. */
async function replaced(
  then: string,
): Promise<{ root: string; before: Record<string, string>; stderr: string }> {
  const root = prepared();
  put(root, server, "old unit");
  await functions(`${k3sRuns}\nk3s_runs "$@"`, [...ofAgent, ...ofServer], root);
  const before = treeOf(root);
  const { stderr } = await functions(
    `${k3sRuns}
     leave_again() { :; }
     begin_verb server
     UNIT=k3s.service OLD_UNIT=k3s.service WANTED_CONFIG=$'node-name: n\\n' TOKEN=token-of-servers TAKING=replace
     ARG[name]=n ARG[address]=192.0.2.11
     observe_k3s
     begin_new
     take_existing
     find "$DATA" ! -type d >"$STATE/emptied"
     put_marker server
     put_config
     put_unit server
     k3s_runs "$@"
     ${then}`,
    [...ofAgent, ...ofServer],
    root,
  );
  return { root, before, stderr };
}

const inForce = Object.keys(ofUser).filter((path) => /\/agent\/(etc|images)\//.test(path));

test("F7 the replacement of an old k3s that is undone brings all of it back", async () => {
  const { root, before, stderr } = await replaced("die no luck");
  assert.match(stderr, /undone: .*has its data again/);
  const old = Object.entries(before).filter(([path]) => !path.startsWith("run/"));
  same(files(root), filesOf(Object.fromEntries(old)));
});

test("F7 one that succeeds keeps settings of the machine in force, and the rest with the copy", async () => {
  const { root, stderr } = await replaced("finish_existing; forget_before; finish_step ok");
  const emptied = readFileSync(join(root, "var/lib/homelab-k3s/emptied"), "utf8").trim().split("\n").sort();
  assert.deepEqual(emptied, inForce.map((path) => join(root, path)).sort());
  assert.match(stderr, /these stay in force for the new k3s: .*50-mine\.conf.*mine\.tar/);
  const after = files(root);
  for (const path of inForce) assert.equal(after[path], `640 ${ofUser[path]}`, path);
  const copy = stderr.match(/kept in (\S+homelab-k3s\/migration\/\S+): /)![1]!;
  const kept = treeOf(copy);
  for (const path of Object.keys(ofUser).filter((path) => /\/(server|agent\/pod-manifests)\//.test(path))) {
    assert.equal(kept[path.slice(data.length + 1)], `600 ${ofUser[path]}`, path);
    assert.match(stderr, new RegExp(`no longer in force, and kept in .*${path.slice(data.length + 1)}`));
  }
  const aside = Object.keys(after).filter((path) => path.startsWith(`${data}-replaced-`));
  const left = aside.map((path) => path.replace(/.*-replaced-[^/]*\//, ""));
  assert.deepEqual(left.sort(), ["data/cni/mine", "mine.txt", "storage/pvc-1/file"]);
});

test("F7 an old k3s is not replaced where moving its data would copy or lose what is on other disks", async () => {
  const problems = async (root: string) => {
    const { stdout } = await functions('problems_of_replacing; printf "%s\\n" "$PROBLEMS"', [], root);
    return stdout.trim();
  };
  const root = emptyRoot();
  mkdirSync(join(root, data, "agent"), { recursive: true });
  const mounts = (...paths: string[]) =>
    put(root, "proc/self/mounts", paths.map((path) => `x ${join(root, data, path)} ext4 rw 0 0\n`).join(""));
  mounts("agent/images", "agent/containerd/tmpmounts/1");
  assert.equal(await problems(root), "");
  mounts("server/db/snapshots");
  assert.match(await problems(root), /server\/db\/snapshots is a file system of its own/);
  const linked = emptyRoot();
  mkdirSync(join(linked, "disk"));
  mkdirSync(join(linked, data, ".."), { recursive: true });
  symlinkSync(join(linked, "disk"), join(linked, data));
  assert.match(await problems(linked), /k3s is a link/);
});
