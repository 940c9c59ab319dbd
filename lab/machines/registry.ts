import { mkdir, readdir, rm, rmdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { LAB_ROOT, labDir } from "../paths.ts";
import { killCgroup, removeCgroups } from "./cgroup.ts";
import { command } from "./command.ts";
import { closeFirewall } from "./firewall.ts";
import { ensureKeyPair } from "./keys.ts";
import { withLock } from "./lock.ts";
import type { Machine } from "./machine.ts";
import { unmountBelow } from "./mounts.ts";
import { bridgePorts, deleteLink, hostRoutes, networkOf, pickIndex } from "./network.ts";
import {
  type LabK3s,
  type LabRecord,
  labFile,
  listLabs,
  machinesDir,
  readJson,
  subdirectories,
  writeJson,
} from "./state.ts";
import { restoreSysctls } from "./sysctl.ts";

/** Outside LAB_ROOT, which goes away with the last lab. */
const LABS_LOCK = "/run/lock/homelab-k3s-lab.lock";

/** Where nspawn keeps a directory for every machine, and leaves it when it is killed. */
const NSPAWN_DIRECTORY = "/run/systemd/nspawn/propagate";

export const keyFile = (instance: string): string => join(labDir(instance), "id_ed25519");

/** Runs `work` while no other program of this host makes or removes a lab: no two take one index. */
export async function labsLocked<T>(work: () => Promise<T>, onWait?: () => void): Promise<T> {
  await mkdir(dirname(LABS_LOCK), { recursive: true });
  return await withLock(LABS_LOCK, work, onWait);
}

/** The lab's record; a new one with a free index, its directory and its key when there is none. Call with the labs' lock held. */
export async function ensureRecord(instance: string): Promise<LabRecord> {
  const found = await readJson<LabRecord>(labFile(instance));
  if (found !== undefined && !found.removing) return found;
  if (found?.removing) await removeLab(found, []);
  const taken = (await listLabs()).map((lab) => lab.index);
  const record = {
    instance,
    index: pickIndex(taken, await hostRoutes()),
    createdAt: new Date().toISOString(),
  };
  await mkdir(labDir(instance), { recursive: true, mode: 0o700 });
  await ensureKeyPair(keyFile(instance));
  await writeJson(labFile(instance), record);
  return record;
}

/** The k3s that a lab stands on; undefined as long as it has no machines, and may stand on any. */
export async function keptK3s(instance: string): Promise<LabK3s | undefined> {
  const record = await readJson<LabRecord>(labFile(instance));
  const machines = await subdirectories(machinesDir(instance));
  return machines.length === 0 || record?.removing ? undefined : record?.k3s;
}

/** Remembers the k3s that a lab stands on. */
export async function keepK3s(instance: string, k3s: LabK3s): Promise<void> {
  await labsLocked(async () => {
    const record = await readJson<LabRecord>(labFile(instance));
    if (record !== undefined) await writeJson(labFile(instance), { ...record, k3s } satisfies LabRecord);
  });
}

/**
 * Removes all that carries the lab's names, its record last, so that it can be done again after an interruption at any point.
 * Call with the labs' lock held.
 * @param machines those known, to be switched off each by itself first
 */
export async function removeLab(record: LabRecord, machines: readonly Machine[]): Promise<void> {
  const { bridge } = networkOf(record.index);
  const directory = labDir(record.instance);
  await writeJson(labFile(record.instance), { ...record, removing: true } satisfies LabRecord);
  await Promise.all(machines.map((machine) => machine.powerOff()));
  for (const port of await bridgePorts(bridge)) await deleteLink(port);
  await killCgroup(bridge);
  await removeCgroups(bridge);
  await deleteLink(bridge);
  await closeFirewall(bridge);
  await unmountBelow(directory);
  for (const unit of await readdir(NSPAWN_DIRECTORY).catch(() => [])) {
    if (unit.startsWith(`${bridge}-`)) await rm(join(NSPAWN_DIRECTORY, unit), { recursive: true });
  }
  const contents = (await readdir(directory)).filter((name) => name !== "lab.json");
  await removeTree(...contents.map((name) => join(directory, name)));
  await removeTree(directory);
  if ((await listLabs()).length > 0) return;
  await restoreSysctls();
  await rmdir(LAB_ROOT).catch(() => {}); // not empty: somebody else's, not ours to remove
}

async function removeTree(...paths: string[]): Promise<void> {
  await command("rm", ["--recursive", "--force", "--one-file-system", "--", ...paths]);
}
