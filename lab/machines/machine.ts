import { chmod, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { cgroupMemory, cgroupPids, killCgroup, removeCgroups } from "./cgroup.ts";
import { command } from "./command.ts";
import { type KeyPair, makeKeyPair, writeKeyPair } from "./keys.ts";
import { mountRoot, unmountBelow } from "./mounts.ts";
import { deleteLink, type LabNetwork, setLink } from "./network.ts";
import { leaderOf, linkOf, startNspawn } from "./nspawn.ts";
import { type ExecOptions, type ExecResult, SshSession } from "./ssh.ts";
import { type MachineRecord, writeJson } from "./state.ts";

/** What a machine needs to know of the lab it belongs to. */
export interface MachineHome {
  network: LabNetwork;
  /** The machine's own directory. */
  directory: string;
  userKey: KeyPair;
  /** The shared root file system; settles when it is ready. */
  rootfs: () => Promise<string>;
  /** The text of /etc/hosts, of all machines as they are now. */
  hosts: () => Promise<string>;
}

/** Directories a machine has on the host's own disk: fsync is the disk's, and containerd cannot stack overlay on overlay. */
const DATA = {
  "/var/lib/rancher": "rancher",
  "/var/lib/kubelet": "kubelet",
  "/var/log": "log",
  "/var/lib/homelab-k3s": "homelab-k3s",
};

/** One disposable machine: systemd and sshd in a container that behaves as a small PC does. Made by {@link Lab.machine}. */
export class Machine {
  readonly name: string;
  readonly address: string;
  readonly directory: string;
  #hostKey: string;
  #record: MachineRecord;
  #ssh: SshSession;
  readonly #home: MachineHome;

  constructor(record: MachineRecord, home: MachineHome) {
    this.name = record.name;
    this.address = record.address;
    this.directory = home.directory;
    this.#hostKey = record.hostKey;
    this.#record = record;
    this.#home = home;
    this.#ssh = this.#session();
  }

  /** `ssh-ed25519 AAAA...`, known before the machine ever ran. */
  get hostKey(): string {
    return this.#hostKey;
  }

  /** Its name for tools of the host: `k3slab0-server-1`. */
  get unit(): string {
    return `${this.#home.network.bridge}-${this.name}`;
  }

  /** Its control group in every hierarchy of the host. */
  get cgroup(): string {
    return `${this.#home.network.bridge}/${this.name}`;
  }

  /** Whether anything of it runs, asked of the kernel at this moment. */
  get up(): boolean {
    return cgroupPids(this.cgroup).length > 0;
  }

  /** The process of the host that is the machine's process 1; undefined when it is off. */
  get pid(): number | undefined {
    return leaderOf(this.cgroup);
  }

  /** The file its console is appended to. */
  get consoleLog(): string {
    return join(this.directory, "console.log");
  }

  /** Switches it on and returns when its process 1 runs (see {@link waitSsh}); nothing to do when it is up. */
  async start(): Promise<void> {
    if (this.up) return;
    const lower = await this.#home.rootfs();
    await deleteLink(linkOf(this.unit));
    const root = await mountRoot(lower, this.directory);
    await this.#writeIdentity(root);
    const binds: Record<string, string> = {};
    for (const [inside, name] of Object.entries(DATA)) {
      binds[inside] = join(this.directory, "data", name);
      await mkdir(binds[inside], { recursive: true });
    }
    const spec = { unit: this.unit, hostname: this.name, root, bridge: this.#home.network.bridge, binds };
    await startNspawn(spec, this.cgroup, this.consoleLog);
  }

  /** Returns when root can log in. Milliseconds; default 30000 (boot takes about 2 s, four at once about 3 s). */
  async waitSsh(timeoutMs = 30_000): Promise<void> {
    await this.#ssh.wait(timeoutMs);
  }

  /**
   * A power cut: from one moment to the next it answers nobody, and when this returns everything in it is dead.
   * Unlike a real one it loses nothing that was written without fsync: the page cache is the host's, which lives on.
   */
  async powerOff(): Promise<void> {
    // Link first: a dead network namespace still answers, with resets, until the kernel has taken it apart.
    await deleteLink(linkOf(this.unit));
    this.#ssh.drop();
    await killCgroup(this.cgroup);
    await removeCgroups(this.cgroup);
    await unmountBelow(join(this.directory, "root"));
    await this.removeTraces();
  }

  /** Forgets the ssh connections: the machine is about to go. */
  disconnect(): void {
    this.#ssh.drop();
  }

  /** Removes what a killed nspawn leaves outside the lab's directory. */
  async removeTraces(): Promise<void> {
    await rm(join("/run/systemd/nspawn/propagate", this.unit), { recursive: true, force: true });
  }

  /** A reboot as an operator does it: services are stopped in order. Returns when the new process 1 runs. Milliseconds; default 120000. */
  async reboot(timeoutMs = 120_000): Promise<void> {
    const before = this.pid;
    if (before === undefined)
      throw new Error(`${this.name}: found it off, want it up to reboot. Call start()`);
    process.kill(before, "SIGINT"); // to systemd as process 1: ctrl-alt-del
    const deadline = Date.now() + timeoutMs;
    while (this.pid === undefined || this.pid === before) {
      if (Date.now() > deadline)
        throw new Error(`${this.name}: not rebooted after ${timeoutMs / 1000} s; see ${this.consoleLog}`);
      await sleep(20);
    }
    this.#ssh.drop();
  }

  /** Pulls the network cable; the machine runs on and sees that its link has no carrier. */
  async cutLink(): Promise<void> {
    await setLink(linkOf(this.unit), "down");
  }

  /** Plugs the cable in again. */
  async restoreLink(): Promise<void> {
    await setLink(linkOf(this.unit), "up");
  }

  /**
   * Re-images it: off, disk empty, another machine-id; name, address and, unless `newHostKey`, host key stay. Call start() next.
   */
  async wipe(options: { newHostKey?: boolean } = {}): Promise<void> {
    await this.powerOff();
    for (const name of ["upper", "work", "data"]) {
      await command("rm", ["--recursive", "--force", "--one-file-system", join(this.directory, name)]);
    }
    const hostKey = options.newHostKey ? await makeHostKey(this.directory) : this.#hostKey;
    this.#record = { ...this.#record, hostKey, machineId: newMachineId() };
    this.#hostKey = hostKey;
    this.#ssh = this.#session();
    await writeJson(join(this.directory, "machine.json"), this.#record);
  }

  /** Runs a shell command over ssh; see {@link SshSession.exec}. */
  async exec(shellCommand: string, options?: ExecOptions): Promise<ExecResult> {
    return await this.#ssh.exec(shellCommand, options);
  }

  /** Bytes of memory in use that cannot be given back; 0 when off. */
  async memoryBytes(): Promise<number> {
    return await cgroupMemory(this.cgroup);
  }

  /** Bytes on the host's disk that are this machine's alone. */
  async diskBytes(): Promise<number> {
    const { stdout } = await command("du", ["-sxk", this.directory], { allowFailure: true });
    return Number(stdout.split("\t")[0]) * 1024;
  }

  /** Writes /etc/hosts anew, when the machine has a root to write it to now. */
  async writeHosts(text: string): Promise<void> {
    if (this.up) await writeFile(join(this.directory, "root/etc/hosts"), text);
  }

  async #writeIdentity(root: string): Promise<void> {
    const etc = join(root, "etc");
    const { network, userKey } = this.#home;
    await writeFile(join(etc, "hostname"), `${this.name}\n`);
    await writeFile(join(etc, "machine-id"), `${this.#record.machineId}\n`);
    await writeFile(join(etc, "hosts"), await this.#home.hosts());
    await writeFile(join(etc, "lab.env"), `ADDRESS=${this.address}/24\nGATEWAY=${network.hostAddress}\n`);
    await writeFile(join(etc, "ssh/lab_authorized_keys"), `${userKey.publicKey}\n`);
    const privateKey = await readFile(hostKeyFile(this.directory), "utf8");
    await writeKeyPair(join(etc, "ssh/ssh_host_ed25519_key"), { privateKey, publicKey: this.#hostKey });
    await chmod(join(etc, "ssh/ssh_host_ed25519_key"), 0o600);
  }

  #session(): SshSession {
    const { name, address, hostKey } = this;
    return new SshSession({ name, address, hostKey, privateKey: this.#home.userKey.privateKey });
  }
}

const hostKeyFile = (directory: string): string => join(directory, "ssh_host_ed25519_key");

async function makeHostKey(directory: string): Promise<string> {
  return (await writeKeyPair(hostKeyFile(directory), makeKeyPair())).publicKey;
}

const newMachineId = (): string => crypto.randomUUID().replaceAll("-", "");

/** Makes what is on disk of a new machine. */
export async function createMachine(
  directory: string,
  name: string,
  address: string,
): Promise<MachineRecord> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const record = { name, address, hostKey: await makeHostKey(directory), machineId: newMachineId() };
  await writeJson(join(directory, "machine.json"), record);
  return record;
}
