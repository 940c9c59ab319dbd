import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { LAB_ROOT } from "../paths.ts";
import { readJson, writeJson } from "./state.ts";

/**
 * Settings of the host's kernel that a kubelet or k3s in a machine writes, as they have no namespace of their own,
 * and the one that we raise. Noted before the first lab's first machine starts, put back after the last lab is gone.
 */
const NOTED = [
  "kernel/panic",
  "kernel/panic_on_oops",
  "kernel/keys/root_maxkeys",
  "kernel/keys/root_maxbytes",
  "vm/overcommit_memory",
  "vm/panic_on_oom",
  "net/ipv4/ip_forward",
  "net/ipv4/conf/all/forwarding",
  "net/ipv6/conf/all/forwarding",
  "net/netfilter/nf_conntrack_max",
  "net/bridge/bridge-nf-call-iptables",
  "net/bridge/bridge-nf-call-ip6tables",
  "fs/file-max",
  "fs/inotify/max_user_instances",
  "fs/inotify/max_user_watches",
] as const;

/** All machines' root user is one user to the kernel: systemd, containerd and kubelet of four take most of the default 128. */
const INOTIFY_INSTANCES = 1024;

interface Notes {
  /** A reboot of the host resets its settings, and makes the notes worthless. */
  bootId: string;
  values: Record<string, string>;
}

const NOTES = join(LAB_ROOT, ".sysctl.json");
const proc = (name: string): string => join("/proc/sys", name);
const read = (name: string): Promise<string | undefined> =>
  readFile(proc(name), "utf8").then(
    (text) => text.trim(),
    () => undefined,
  );

/** Call with the labs' lock held. Notes once per boot of the host; later labs find the notes of the first. */
export async function noteSysctls(): Promise<void> {
  const bootId = await currentBootId();
  if ((await readJson<Notes>(NOTES))?.bootId === bootId) return;
  const values: Record<string, string> = {};
  for (const name of NOTED) {
    const value = await read(name);
    if (value !== undefined) values[name] = value;
  }
  await writeJson(NOTES, { bootId, values } satisfies Notes);
  if (Number(values["fs/inotify/max_user_instances"]) < INOTIFY_INSTANCES) {
    await writeFile(proc("fs/inotify/max_user_instances"), String(INOTIFY_INSTANCES));
  }
}

/** Call with the labs' lock held, after the last lab is gone. */
export async function restoreSysctls(): Promise<void> {
  const notes = await readJson<Notes>(NOTES);
  if (notes?.bootId === (await currentBootId())) {
    for (const [name, value] of Object.entries(notes.values)) {
      if ((await read(name)) !== value) await writeFile(proc(name), value);
    }
  }
  await rm(NOTES, { force: true });
}

async function currentBootId(): Promise<string> {
  return (await readFile("/proc/sys/kernel/random/boot_id", "utf8")).trim();
}
