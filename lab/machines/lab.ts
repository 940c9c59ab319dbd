import { join } from "node:path";
import { labDir } from "../paths.ts";
import { openFirewall } from "./firewall.ts";
import { prepareHost, requireRoot } from "./host.ts";
import { checkMachine, createMachine, hostsFile, recordFile } from "./identity.ts";
import { ensureKeyPair, type KeyPair } from "./keys.ts";
import { Machine, type MachineHome } from "./machine.ts";
import { ensureBridge, type LabNetwork, networkOf } from "./network.ts";
import { ensureRecord, keyFile, labsLocked, removeLab } from "./registry.ts";
import { ensureRootfs, exists } from "./rootfs.ts";
import {
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
import { noteSysctls } from "./sysctl.ts";

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
    await prepareHost(onProgress);
    const waiting = () => onProgress("waiting for another lab that is being made or removed");
    const lab = await labsLocked(async () => {
      const record = await ensureRecord(instance);
      await noteSysctls();
      const network = networkOf(record.index);
      await ensureBridge(network, record.index);
      await openFirewall(network.bridge);
      return new Lab(record, await ensureKeyPair(keyFile(instance)), onProgress);
    }, waiting);
    lab.#rootfsPath().catch(() => {}); // told to whoever waits for it
    await lab.machines();
    return lab;
  }

  /** The lab when there is one, without making or changing anything. */
  static async find(instance = "default"): Promise<Lab | undefined> {
    requireRoot();
    const record = await readJson<LabRecord>(labFile(instance));
    if (record === undefined) return undefined;
    const lab = new Lab(record, await ensureKeyPair(keyFile(instance)), () => {});
    await lab.machines();
    return lab;
  }

  /** The names of all labs of this host. */
  static async list(): Promise<string[]> {
    requireRoot();
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
    const same = (machine: Machine) => machine.name === name || machine.address === address;
    const existing = (await this.machines()).find(same);
    if (existing?.name === name && existing.address === address) return existing;
    if (existing !== undefined) {
      throw new Error(
        `lab machine ${name} (${address}): found ${existing.name} with ${existing.address}, want one name for one address`,
      );
    }
    checkMachine(name, address, this.network);
    await labsLocked(async () => {
      // another program may have made it since we looked
      if (!(await exists(recordFile(this.#directoryOf(name))))) {
        await createMachine(this.#directoryOf(name), name, address);
      }
    });
    const machines = await this.machines();
    const hosts = hostsFile(machines);
    await Promise.all(machines.map((machine) => machine.writeHosts(hosts)));
    return this.#machines.get(name)!;
  }

  /** All machines of the lab, also those that another program made, ordered by name. */
  async machines(): Promise<Machine[]> {
    for (const name of await subdirectories(machinesDir(this.instance))) {
      if (this.#machines.has(name)) continue;
      const record = await readJson<MachineRecord>(recordFile(this.#directoryOf(name)));
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
   * lab also the host's settings are as before. Works the same after a crash of any program or a reboot of the host, and a
   * second time does nothing. The cached root file system stays.
   */
  async down(): Promise<void> {
    await labsLocked(async () => {
      const record = await readJson<LabRecord>(labFile(this.instance));
      // Removed, and perhaps made anew by somebody else with another index, since we opened it: not ours.
      if (record?.createdAt !== this.createdAt) return;
      await removeLab(record, await this.machines());
      this.#machines.clear();
    });
  }

  #directoryOf(name: string): string {
    return join(machinesDir(this.instance), name);
  }

  #home(name: string): MachineHome {
    return {
      network: this.network,
      directory: this.#directoryOf(name),
      userKey: this.#userKey,
      rootfs: () => this.#rootfsPath(),
      hosts: async () => hostsFile(await this.machines()),
      record: async () => {
        const record = await readJson<LabRecord>(labFile(this.instance));
        if (record !== undefined && !record.removing) return record;
        throw new Error(
          `lab ${this.instance}: found it removed, want it there to start ${name}. Open it again`,
        );
      },
    };
  }

  #rootfsPath(): Promise<string> {
    this.#rootfs ??= this.#findRootfs();
    return this.#rootfs;
  }

  async #findRootfs(): Promise<string> {
    const file = labFile(this.instance);
    const record = await readJson<LabRecord>(file);
    if (record?.rootfs !== undefined && (await exists(record.rootfs))) return record.rootfs;
    const rootfs = await ensureRootfs({ onProgress: this.#onProgress });
    await labsLocked(async () => {
      const now = await readJson<LabRecord>(file);
      if (now !== undefined) await writeJson(file, { ...now, rootfs });
    });
    return rootfs;
  }
}
