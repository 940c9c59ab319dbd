import { createHash } from "node:crypto";
import { copyFile, link, mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { type Hierarchy, hierarchies } from "./cgroup.ts";
import { command } from "./command.ts";

/** A file below k3s' `agent/etc` that containers of this host need, and why. */
export interface HostSetting {
  path: string;
  text: string;
  why: string;
}

const capSysResource = 1n << 24n;

/**
 * What k3s must be told where its machines are containers of this host. Pure.
 * @param status The text of /proc/self/status: a machine has no capability that the host's own processes lack.
 */
export function hostSettings(status: string, hierarchies: readonly Hierarchy[]): HostSetting[] {
  const capabilities = BigInt(`0x${/^CapBnd:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? "0"}`);
  const unified = hierarchies.some(
    ({ version, mountpoint }) => version === 2 && mountpoint === "/sys/fs/cgroup",
  );
  const settings: HostSetting[] = [];
  if ((capabilities & capSysResource) === 0n)
    settings.push({
      path: "containerd/config-v3.toml.d/lab.toml",
      text: `version = 3\n\n[plugins.'io.containerd.cri.v1.runtime']\n  restrict_oom_score_adj = true\n`,
      why: "without CAP_SYS_RESOURCE nobody may lower an oom_score_adj: restrict_oom_score_adj for containerd",
    });
  if (!unified)
    settings.push({
      path: "kubelet.conf.d/lab.conf",
      text: "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\nfailCgroupV1: false\n",
      why: "with cgroup v1 kubelets of 1.35 and newer do not start: failCgroupV1: false for kubelet",
    });
  return settings;
}

export const settingsOfHost = async (): Promise<HostSetting[]> =>
  hostSettings(await readFile("/proc/self/status", "utf8"), hierarchies());

/** Where a machine keeps what it was equipped with: nothing that is done with k3s touches it. */
const keptIn = ".lab/agent";

/**
 * Before each of its starts k3s gets back what it needs of the above, whatever took it away. A drop-in below /etc would be
 * taken for somebody's own.
 */
const dropIn = `[Service]
ExecStartPre=-/bin/mkdir -p /var/lib/rancher/k3s
ExecStartPre=-/bin/cp --recursive --link --no-clobber /var/lib/rancher/${keptIn} /var/lib/rancher/k3s/
`;

/**
 * Gives a machine the images and settings with which a real k3s runs pods. Nothing to do where it has them.
 * @param root The machine's mounted root.
 * @param rancher The host's directory that is its /var/lib/rancher.
 */
export async function equip(
  root: string,
  rancher: string,
  archives: readonly string[],
  settings: readonly HostSetting[],
): Promise<void> {
  const kept = join(rancher, keptIn);
  await mkdir(join(kept, "images"), { recursive: true });
  for (const archive of archives) await lay(archive, join(kept, "images"));
  for (const { path, text } of settings) await write(join(kept, "etc", path), text);
  for (const unit of ["k3s.service", "k3s-agent.service"])
    await write(join(root, "usr/local/lib/systemd/system", `${unit}.d`, "lab.conf"), dropIn);
  // at once as well: the program looks at a machine before it starts k3s there
  await mkdir(join(rancher, "k3s"), { recursive: true });
  await command("cp", ["--recursive", "--link", "--no-clobber", kept, join(rancher, "k3s")]);
}

/** One file on the host's disk, however many machines have it: linked where that can be. */
async function lay(archive: string, directory: string): Promise<void> {
  const { size, mtimeMs } = await stat(archive);
  const mark = createHash("sha256").update(`${archive} ${size} ${mtimeMs}`).digest("hex").slice(0, 8);
  const target = join(directory, `${mark}-${basename(archive)}`);
  if (await stat(target).catch(() => undefined)) return;
  const partial = `${target}.part`;
  await rm(partial, { force: true });
  await link(archive, partial).catch(() => copyFile(archive, partial));
  await rename(partial, target);
}

async function write(file: string, text: string): Promise<void> {
  if ((await readFile(file, "utf8").catch(() => undefined)) === text) return;
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
}
