import { waitFor } from "../../measure/wait.ts";
import { reasonOf } from "../../ssh/execute.ts";
import type { Remote } from "../remote.ts";

/** Takes a machine's power away and gives it back. */
export interface Power {
  /** What `cut` does, for people. */
  readonly how: string;
  /** From one moment to the next it answers nobody. */
  cut(name: string): Promise<void>;
  /** Returns when it answers over SSH again; nothing to do when it does. */
  restore(name: string): Promise<void>;
}

/** Milliseconds for a restart; servers with much memory test it first. */
const restartMs = 600_000;

const bootId = "cat /proc/sys/kernel/random/boot_id";
/** A second later, so that the connection can be answered first. */
const later = (command: string) =>
  `systemd-run --quiet --collect --on-active=1 --timer-property=AccuracySec=10ms ${command}`;

/** Machines that can only be reached over SSH: the kernel restarts, with or without stopping what runs. */
export class RemotePower implements Power {
  readonly how = "its kernel restarts at once: nothing is stopped, nobody is told";
  readonly #remote: Remote;
  readonly #boots = new Map<string, string>();

  constructor(remote: Remote) {
    this.#remote = remote;
  }

  cut(name: string): Promise<void> {
    return this.#restart(name, later("systemctl reboot --force --force"));
  }

  /** In good order: services are stopped first. */
  reboot(name: string): Promise<void> {
    return this.#restart(name, later("systemctl reboot"));
  }

  async restore(name: string): Promise<void> {
    const before = this.#boots.get(name);
    if (before === undefined) return;
    await waitFor(
      `${name} is back`,
      async () => {
        if ((await this.#ask(name, bootId)) === before) throw new Error("it has not restarted yet");
      },
      { timeoutMs: restartMs, everyMs: 1_000 },
    );
    this.#boots.delete(name);
  }

  async #restart(name: string, command: string): Promise<void> {
    this.#boots.set(name, await this.#ask(name, `${bootId} && ${command}`));
  }

  async #ask(name: string, script: string): Promise<string> {
    const ran = await this.#remote.run(name, script, { seconds: 5 });
    if (ran.reached && ran.code === 0) return ran.stdout.trim();
    throw new Error(ran.reached ? `${name}: ${reasonOf(ran)}` : ran.problem);
  }
}

/** Machines of the lab have a switch. */
export async function labPower(instance: string): Promise<Power> {
  const { Lab } = await import("../../lab/machines/lab.ts");
  const machineOf = async (name: string) => {
    const machine = (await (await Lab.find(instance))?.machines())?.find((one) => one.name === name);
    if (machine) return machine;
    throw new Error(`${name}: found no such machine in the lab ${instance}`);
  };
  return {
    how: "its power is cut",
    cut: async (name) => (await machineOf(name)).powerOff(),
    async restore(name) {
      const machine = await machineOf(name);
      await machine.start();
      await machine.waitSsh();
    },
  };
}
