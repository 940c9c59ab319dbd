import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { cgroupMemory, cgroupPids, killCgroup, removeCgroups } from "./cgroup.ts";
import { command } from "./command.ts";
import { equip, settingsOfHost } from "./equipment.ts";
import { renewIdentity, writeIdentity } from "./identity.ts";
import type { KeyPair } from "./keys.ts";
import { withLock } from "./lock.ts";
import { mountRoot, unmountBelow } from "./mounts.ts";
import { deleteLink, type LabNetwork, setLink } from "./network.ts";
import { leaderOf, linkOf, startNspawn } from "./nspawn.ts";
import { type ExecOptions, type ExecResult, SshSession } from "./ssh.ts";
import type { LabRecord, MachineRecord } from "./state.ts";

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
  /** What is on disk about the lab. Throws when it is being removed, by whatever program. */
  record: () => Promise<LabRecord>;
}

/** Directories a machine has on the host's own disk: fsync is the disk's, and containerd cannot stack overlay on overlay. */
const DATA = {
  "/var/lib/rancher": "rancher",
  "/var/lib/kubelet": "kubelet",
  "/var/lib/homelab-k3s": "homelab-k3s",
  "/var/log": "log",
};

/** One disposable machine: systemd and sshd in a container that behaves as a small PC does. Made by {@link Lab.machine}. */
export class Machine {
  readonly name: string;
  readonly address: string;
  readonly directory: string;
  #record: MachineRecord;
  #ssh: SshSession;
  readonly #home: MachineHome;

  constructor(record: MachineRecord, home: MachineHome) {
    this.name = record.name;
    this.address = record.address;
    this.directory = home.directory;
    this.#record = record;
    this.#home = home;
    this.#ssh = this.#session();
  }

  /** `ssh-ed25519 AAAA...`, known before the machine ever ran. */
  get hostKey(): string {
    return this.#record.hostKey;
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

  /**
   * Switches it on and returns when its process 1 runs (see {@link waitSsh}). One that is up only gets what the lab has
   * come to have for its k3s.
   */
  async start(): Promise<void> {
    if (this.up) return await this.#locked(() => this.#equip());
    const lower = await this.#home.rootfs();
    await this.#locked(async () => {
      if (this.up) return; // started by somebody else while we waited
      await this.#home.record();
      await deleteLink(linkOf(this.unit)); // nspawn does not start when a crash left one
      const root = await mountRoot(lower, this.directory);
      const { network, userKey } = this.#home;
      await writeIdentity(root, this.directory, this.#record, {
        network,
        userKey,
        hosts: await this.#home.hosts(),
      });
      const binds: Record<string, string> = {};
      for (const [inside, name] of Object.entries(DATA)) {
        binds[inside] = join(this.directory, "data", name);
        await mkdir(binds[inside], { recursive: true });
      }
      await this.#equip();
      const spec = { unit: this.unit, hostname: this.name, root, bridge: network.bridge, binds };
      await startNspawn(spec, this.cgroup, this.consoleLog);
    });
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
    await this.#cutPower();
    await this.#locked(() => this.#clearAway());
  }

  /** A reboot as an operator does it: services are stopped in order. Returns when the new process 1 runs. Milliseconds; default 120000. */
  async reboot(timeoutMs = 120_000): Promise<void> {
    const before = this.pid;
    if (before === undefined)
      throw new Error(`${this.name}: found it off, want it up to reboot. Call start()`);
    process.kill(before, "SIGINT"); // to systemd as process 1: ctrl-alt-del
    const deadline = Date.now() + timeoutMs;
    while (this.pid === undefined || this.pid === before) {
      if (Date.now() > deadline) {
        throw new Error(`${this.name}: not rebooted after ${timeoutMs / 1000} s; see ${this.consoleLog}`);
      }
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
    await this.#cutPower();
    await this.#locked(async () => {
      await this.#clearAway();
      for (const name of ["upper", "work", "data"]) {
        await command("rm", ["--recursive", "--force", "--one-file-system", join(this.directory, name)]);
      }
      this.#record = await renewIdentity(this.directory, this.#record, options.newHostKey ?? false);
    });
    this.#ssh = this.#session();
  }

  /** Runs a shell command over ssh; see {@link SshSession.exec}. */
  async exec(shellCommand: string, options?: ExecOptions): Promise<ExecResult> {
    return await this.#ssh.exec(shellCommand, options);
  }

  /** Ends the connections over which its commands were run: the next one logs in. */
  hangUp(): void {
    this.#ssh.drop();
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

  /** Writes /etc/hosts anew where it runs; where it does not, start() will. */
  async writeHosts(text: string): Promise<void> {
    if (this.up) await writeFile(join(this.directory, "root/etc/hosts"), text);
  }

  /** Gives it what a real k3s needs to run pods, where the lab stands on one. */
  async #equip(): Promise<void> {
    const { k3s } = await this.#home.record();
    if (k3s?.standin !== false) return;
    const [root, rancher] = [join(this.directory, "root"), join(this.directory, "data/rancher")];
    await equip(root, rancher, k3s.archives, await settingsOfHost());
  }

  /** Nothing of it answers or runs from here on. Not locked: a power cut waits for nobody. */
  async #cutPower(): Promise<void> {
    // Link first: a dead network namespace still answers, with resets, until the kernel has taken it apart.
    await deleteLink(linkOf(this.unit));
    this.#ssh.drop();
    await killCgroup(this.cgroup);
  }

  /** Removes what is left of a machine that was on. */
  async #clearAway(): Promise<void> {
    if (this.up) await this.#cutPower(); // somebody was just starting it
    await removeCgroups(this.cgroup);
    await unmountBelow(join(this.directory, "root"));
    await rm(join("/run/systemd/nspawn/propagate", this.unit), { recursive: true, force: true });
  }

  /** Two programs, or two parts of one, never start and clear away the same machine at the same time. */
  async #locked(work: () => Promise<void>): Promise<void> {
    await withLock(join(this.directory, ".lock"), work);
  }

  #session(): SshSession {
    const { name, address, hostKey } = this;
    return new SshSession({ name, address, hostKey, privateKey: this.#home.userKey.privateKey });
  }
}
