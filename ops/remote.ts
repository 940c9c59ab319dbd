import { type Step, scriptCommand } from "../components/command-line.ts";
import { type Login, requestTo } from "../components/connection.ts";
import { aboutNode, bundle } from "../components/run-verb.ts";
import { living } from "../config/roster.ts";
import type { ClusterConfig, MachineConfig } from "../config/schema.ts";
import { type Executed, execute } from "../ssh/execute.ts";
import { openSession, type Session } from "../ssh/probe.ts";
import { Request } from "../ssh/request.ts";
import { readMachines, type StackChoice } from "./stack.ts";

/** What came of a command on a machine. One that cannot be reached is a result like any other. */
export type Ran =
  | ({ readonly node: string; readonly reached: true } & Executed)
  | {
      readonly node: string;
      readonly reached: false;
      /** For a person: what was found, what is wanted, the way on. Several lines. */
      readonly problem: string;
    };

export interface RunOptions {
  /** Seconds until the node ends it by itself; the answer is waited for a little longer. Default 60. */
  readonly seconds?: number;
  /** Receives what it says on standard error, line by line. */
  readonly onLine?: (line: string) => void;
}

/** Milliseconds beyond a command's own time in which its answer must have come. */
const graceMs = 10_000;

/** Seconds to wait for a machine that does not answer: somebody watches, and one that reboots is worth a finding. */
const waitSeconds = 0;

/**
 * Commands on the machines of a stack, as root, over SSH as the stack says: pinned host keys, its bastion, its key or
 * the SSH agent, sudo. Scripts travel over standard input, so a node needs nothing from an earlier run, and what runs
 * there is what this checkout holds. One connection a machine is kept until `close`.
 */
export class Remote {
  readonly config: ClusterConfig;
  readonly #login: Login;
  readonly #sessions = new Map<string, Promise<Session>>();

  constructor(config: ClusterConfig, login: Login) {
    this.config = config;
    this.#login = login;
  }

  /** @throws Error when the stack or its configuration cannot be read */
  static async open(choice: StackChoice): Promise<Remote> {
    const { config, login } = await readMachines(choice);
    return new Remote(config, login);
  }

  /** Every machine that was not declared lost: servers, agents, balancers. */
  get machines(): readonly MachineConfig[] {
    const { servers, agents, balancers } = this.config;
    return living<MachineConfig>([...servers, ...agents, ...balancers]);
  }

  /** Runs a bash script as root. Its text may hold anything but a secret. */
  run(name: string, script: string, options: RunOptions = {}): Promise<Ran> {
    return this.#run(name, script, undefined, options);
  }

  /** Runs a verb of `k3s-node`, from this checkout. @throws Error when a flag's value must not reach a command line */
  verb(name: string, step: Step, options: RunOptions = {}): Promise<Ran> {
    return this.#run(name, bundle(), step, options);
  }

  /** Ends all connections. */
  async close(): Promise<void> {
    const sessions = await Promise.allSettled(this.#sessions.values());
    this.#sessions.clear();
    for (const session of sessions) if (session.status === "fulfilled") session.value.end();
  }

  async #run(name: string, script: string, step: Step | undefined, options: RunOptions): Promise<Ran> {
    const { seconds = 60, onLine } = options;
    const machine = this.#machine(name);
    const command = scriptCommand(machine.user, seconds, step);
    const how = { stdin: script, timeoutMs: seconds * 1000 + graceMs, ...(onLine && { onLine }) };
    try {
      const ended = await execute(await this.#session(machine), command, how);
      // a cut connection serves nobody after this
      if (ended.code === null) this.#forget(name);
      return { node: name, reached: true, ...ended };
    } catch (error) {
      this.#forget(name);
      return { node: name, reached: false, problem: aboutNode(name, error as Error) };
    }
  }

  #machine(name: string): MachineConfig {
    const machine = this.machines.find((one) => one.name === name);
    if (machine) return machine;
    throw new Error(`${name} is no machine of the stack: ${this.machines.map((one) => one.name).join(", ")}`);
  }

  #session(machine: MachineConfig): Promise<Session> {
    const open = this.#sessions.get(machine.name);
    if (open) return open;
    const users = [...new Set(this.machines.map(({ user }) => user))];
    const request = { ...requestTo(machine, this.config.ssh, this.#login, users), waitSeconds };
    const session = openSession(Request.parse(request), () => {});
    this.#sessions.set(machine.name, session);
    return session;
  }

  /** The next command logs in again. */
  #forget(name: string): void {
    const session = this.#sessions.get(name);
    this.#sessions.delete(name);
    session?.then(
      ({ end }) => end(),
      () => {},
    );
  }
}
