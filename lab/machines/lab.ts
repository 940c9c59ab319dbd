import { mkdir, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { LAB_ROOT, labDir } from "../paths.ts";
import { killCgroup, removeCgroups } from "./cgroup.ts";
import { command } from "./command.ts";
import { prepareHost } from "./host.ts";
import { ensureKeyPair, type KeyPair } from "./keys.ts";
import { withLock } from "./lock.ts";
import { createMachine, Machine } from "./machine.ts";
import { unmountBelow } from "./mounts.ts";
import {
  bridgePorts,
  deleteLink,
  ensureBridge,
  hostRoutes,
  type LabNetwork,
  networkOf,
  pickIndex,
} from "./network.ts";
import { ensureRootfs } from "./rootfs.ts";
import {
  LABS_LOCK,
  type LabRecord,
  labFile,
  listLabs,
  type MachineRecord,
  machinesDir,
  readJson,
  subdirectories,
  writeJson,
} from "./state.ts";
import { type LabStatus, machineStatus } from "./status.ts";
import { noteSysctls, restoreSysctls } from "./sysctl.ts";

export interface LabOptions {
  /** 1 to 32 lower-case letters, digits and inner hyphens; default `default`. */
  instance?: string;
  /** What is being done, for people. */
  onProgress?: (message: string) => void;
}

/**
 * A set of machines on a bridge of their own. It stays when the program ends, until {@link Lab.down};
 * whoever opens the same instance again, also after a reboot of the host, finds its machines with their disks.
 */
export class Lab {
  readonly instance: string;
  readonly directory: string;
  readonly network: LabNetwork;
  readonly createdAt: string;
  /** The private key of root, admin and nosudo on all machines, in OpenSSH's format; also in `privateKeyFile`. */
  readonly privateKey: string;
  readonly privateKeyFile: string;
  readonly #userKey: KeyPair;
  readonly #machines = new Map<string, Machine>();
  #rootfs: Promise<string> | undefined;
  readonly #onProgress: (message: string) => void;

  private constructor(record: LabRecord, userKey: KeyPair, onProgress: (message: string) => void) {
    this.instance = record.instance;
    this.directory = labDir(record.instance);
    this.network = networkOf(record.index);
    this.createdAt = record.createdAt;
    this.#userKey = userKey;
    this.privateKey = userKey.privateKey;
    this.privateKeyFile = keyFile(record.instance);
    this.#onProgress = onProgress;
  }

  /**
   * Opens the lab, and makes it when there is none: host packages, index, directory, keys, bridge.
   * The root file system is begun but not waited for: the first machine to start does that, or {@link Lab.ready}.
   * @throws on a host that cannot do it, with what to do
   */
  static async open({ instance = "default", onProgress = () => {} }: LabOptions = {}): Promise<Lab> {
    const directory = labDir(instance);
    await prepareHost(onProgress);
    const lab = await withLock(
      LABS_LOCK,
      async () => {
        let record = await readJson<LabRecord>(labFile(instance));
        if (record === undefined) {
          const taken = (await listLabs()).map((lab) => lab.index);
          record = {
            instance,
            index: pickIndex(taken, await hostRoutes()),
            createdAt: new Date().toISOString(),
          };
          await mkdir(directory, { recursive: true, mode: 0o700 });
          await writeJson(labFile(instance), record);
        }
        await noteSysctls();
        await ensureBridge(networkOf(record.index), record.index);
        return new Lab(record, await ensureKeyPair(keyFile(instance)), onProgress);
      },
      () => onProgress("waiting for another lab that is being made or removed"),
    );
    lab.#rootfsPath().catch(() => {}); // told to whoever waits for it
    await lab.machines();
    return lab;
  }

  /** The lab when there is one, without making or changing anything. */
  static async find(instance = "default"): Promise<Lab | undefined> {
    const record = await readJson<LabRecord>(labFile(instance));
    if (record === undefined) return undefined;
    const lab = new Lab(record, await ensureKeyPair(keyFile(instance)), () => {});
    await lab.machines();
    return lab;
  }

  /** The names of all labs of this host. */
  static async list(): Promise<string[]> {
    return (await listLabs()).map((record) => record.instance);
  }

  get hostAddress(): string {
    return this.network.hostAddress;
  }

  /** Settles when the shared root file system is there: from now on machines start in seconds. */
  async ready(): Promise<void> {
    await this.#rootfsPath();
  }

  /**
   * The machine of that name; made, but not started, when there is none.
   * @throws when the address is not one of the lab's, is another machine's, or differs from the one the machine has
   */
  async machine({ name, address }: { name: string; address: string }): Promise<Machine> {
    const existing = (await this.machines()).find(
      (machine) => machine.name === name || machine.address === address,
    );
    if (existing?.name === name && existing.address === address) return existing;
    if (existing !== undefined) {
      throw new Error(
        `lab machine ${name} (${address}): found ${existing.name} with ${existing.address}, want one name for one address`,
      );
    }
    checkMachine(name, address, this.network);
    await createMachine(this.#directoryOf(name), name, address);
    const machines = await this.machines();
    const hosts = hostsFile(machines);
    await Promise.all(machines.map((machine) => machine.writeHosts(hosts)));
    return this.#machines.get(name)!;
  }

  /** All machines of the lab, also those that another program made, ordered by name. */
  async machines(): Promise<Machine[]> {
    for (const name of await subdirectories(machinesDir(this.instance))) {
      if (this.#machines.has(name)) continue;
      const record = await readJson<MachineRecord>(join(this.#directoryOf(name), "machine.json"));
      if (record !== undefined) this.#machines.set(name, new Machine(record, this.#home(name)));
    }
    return [...this.#machines.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async status(): Promise<LabStatus> {
    const { instance, directory, network, createdAt } = this;
    const machines = await Promise.all((await this.machines()).map(machineStatus));
    return { instance, directory, network, createdAt, machines };
  }

  /**
   * Removes everything this lab made and nothing else: processes, links, mounts, control groups, directory; after the last
   * lab also the host's settings are as before. Works the same after a crash of any program or a reboot of the host.
   * The cached root file system stays.
   */
  async down(): Promise<void> {
    await withLock(LABS_LOCK, async () => {
      const { bridge } = this.network;
      for (const machine of await this.machines()) machine.disconnect();
      for (const port of await bridgePorts(bridge)) await deleteLink(port);
      await killCgroup(bridge);
      await removeCgroups(bridge);
      await deleteLink(bridge);
      await unmountBelow(this.directory);
      await Promise.all((await this.machines()).map((machine) => machine.removeTraces()));
      await command("rm", ["--recursive", "--force", "--one-file-system", this.directory]);
      if ((await listLabs()).length > 0) return;
      await restoreSysctls();
      await rmdir(LAB_ROOT).catch(() => {}); // not empty: somebody else's, not ours to remove
    });
  }

  #directoryOf(name: string): string {
    return join(machinesDir(this.instance), name);
  }

  #home(name: string): ConstructorParameters<typeof Machine>[1] {
    return {
      network: this.network,
      directory: this.#directoryOf(name),
      userKey: this.#userKey,
      rootfs: () => this.#rootfsPath(),
      hosts: async () => hostsFile(await this.machines()),
    };
  }

  #rootfsPath(): Promise<string> {
    this.#rootfs ??= this.#findRootfs();
    return this.#rootfs;
  }

  async #findRootfs(): Promise<string> {
    const file = labFile(this.instance);
    const record = await readJson<LabRecord>(file);
    if (record?.rootfs !== undefined) return record.rootfs;
    const rootfs = await ensureRootfs({ onProgress: this.#onProgress });
    if (record !== undefined) await writeJson(file, { ...record, rootfs });
    return rootfs;
  }
}

const keyFile = (instance: string): string => join(labDir(instance), "id_ed25519");

/** @throws when the name is no host name, or the address is not for machines of this network */
export function checkMachine(name: string, address: string, network: LabNetwork): void {
  if (!/^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$/.test(name)) {
    throw new Error(
      `lab machine: name: found ${JSON.stringify(name)}, want 1 to 40 lower-case letters, digits and inner hyphens`,
    );
  }
  const prefix = network.cidr.slice(0, network.cidr.lastIndexOf(".") + 1);
  const host = address.startsWith(prefix) ? address.slice(prefix.length) : "";
  const free =
    /^[1-9]\d{0,2}$/.test(host) &&
    Number(host) < 255 &&
    address !== network.hostAddress &&
    address !== network.vip;
  if (!free) {
    throw new Error(
      `lab machine ${name}: address: found ${address}, want one in ${network.cidr} that is neither the host's ${network.hostAddress} nor the endpoint's ${network.vip}`,
    );
  }
}

/** The text of /etc/hosts that all machines of a lab have. */
export function hostsFile(machines: readonly { name: string; address: string }[]): string {
  return [
    "127.0.0.1 localhost",
    "::1 localhost",
    ...machines.map(({ name, address }) => `${address} ${name}`),
    "",
  ].join("\n");
}
