import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import type { EngineEvent } from "@pulumi/pulumi/automation/index.js";
import { requireCluster } from "../config/parse.ts";
import type { ClusterConfig } from "../config/schema.ts";
import program from "../index.ts";
import type { Board } from "./board.ts";
import {
  configure,
  currentConfig,
  type Ended,
  type LabStack,
  type Operation,
  openStack,
  operate,
} from "./engine.ts";
import type { PodPlan } from "./k3s/plan.ts";
import type { Lab } from "./machines/lab.ts";
import type { Machine } from "./machines/machine.ts";
import { machinesUp } from "./machines-up.ts";
import { pulumiDirectory } from "./paths.ts";
import type { Prepared, Release } from "./prepare.ts";
import { prefix, stackConfig } from "./stack-config.ts";
import type { Topology } from "./topology.ts";

const stackFile = new URL("../Pulumi.lab.yaml", import.meta.url);

/** What may differ from one operation to the next. */
export type Wish = {
  topology?: Topology;
  release?: Release;
  snapshots?: readonly string[];
  /** Whether an SSH agent holds the key, instead of the stack. */
  sshAgent?: boolean;
  /** Keys without the project's prefix, laid over everything else. */
  more?: Record<string, unknown>;
  /** Keys without the project's prefix that are stored encrypted. */
  secrets?: Readonly<Record<string, string>>;
};

/** The machines of an instance and the stack that describes them. */
export class Cluster {
  readonly lab: Lab;
  readonly #machines: ReadonlyMap<string, Machine>;
  readonly #stack: LabStack;
  readonly #prepared: Prepared;
  #wish: Wish = {};
  #config: Record<string, unknown> = {};

  constructor(prepared: Prepared, machines: ReadonlyMap<string, Machine>, stack: LabStack) {
    this.lab = prepared.lab;
    this.#prepared = prepared;
    this.#machines = machines;
    this.#stack = stack;
  }

  get topology(): Topology {
    return this.#wish.topology ?? this.#prepared.topology;
  }

  /** What images there are for; undefined where no container runs. */
  get pods(): PodPlan | undefined {
    return this.#prepared.pods;
  }

  /** @throws when there is no machine of this name. */
  machine(name: string): Machine {
    const machine = this.#machines.get(name);
    if (!machine) throw new Error(`${name}: found no such machine in the lab ${this.lab.instance}`);
    return machine;
  }

  /** Writes the stack's configuration; what is not wished stays as it was wished before. */
  async configure(wish: Wish): Promise<void> {
    this.#wish = { ...this.#wish, ...wish };
    const { release = this.#prepared.release, more = {} } = this.#wish;
    const hostKeys = Object.fromEntries(
      [...this.#machines].map(([name, machine]) => [name, machine.hostKey]),
    );
    const before = (await currentConfig(this.#stack))[`${prefix}snapshots`] as string[] | undefined;
    const snapshots = this.#wish.snapshots ?? before ?? [];
    const instance = {
      ...release,
      topology: this.topology,
      hostKeys,
      snapshots,
      ...(this.pods && { pods: this.pods }),
    };
    const overlay = Object.fromEntries(Object.entries(more).map(([key, value]) => [prefix + key, value]));
    this.#config = { ...stackConfig(await readFile(stackFile, "utf8"), instance), ...overlay };
    const secrets = Object.entries(this.#wish.secrets ?? {}).map(([key, value]) => [prefix + key, value]);
    await configure(
      this.#stack,
      this.#config,
      this.#wish.sshAgent ? undefined : this.lab.privateKey,
      Object.fromEntries(secrets),
    );
  }

  /** The configuration as the program reads it. @throws when the program would refuse it. */
  get config(): ClusterConfig {
    const plain = Object.entries(this.#config).map(([key, value]) => [key.slice(prefix.length), value]);
    return requireCluster(Object.fromEntries(plain));
  }

  /** See {@link operate}. */
  operate(
    operation: Operation,
    onEvent: (event: EngineEvent) => void = () => {},
    signal: AbortSignal = new AbortController().signal,
  ): Promise<Ended> {
    return operate(this.#stack, operation, onEvent, signal);
  }

  /** The stack's outputs, secrets in clear. */
  async outputs(): Promise<Record<string, unknown>> {
    const outputs = await this.#stack.stack.outputs();
    return Object.fromEntries(Object.entries(outputs).map(([name, { value }]) => [name, value]));
  }

  /** The command and the standard input of a node's step, by default the one that installs k3s, as the stack has them. */
  async step(name: string, what = "k3s"): Promise<{ command: string; stdin: string }> {
    const { deployment } = await this.#stack.stack.exportStack();
    const { resources } = deployment as { resources: { urn: string; inputs?: Record<string, unknown> }[] };
    const inputs = resources.find(({ urn }) => urn.endsWith(`::${name}-${what}`))?.inputs;
    if (!inputs) throw new Error(`${name}: found no step of it in the stack`);
    return { command: String(inputs.update), stdin: plain(inputs.stdin ?? "") };
  }

  /** Stops serving the release. Machines and state stay. */
  close(): Promise<void> {
    return this.#prepared.close();
  }
}

/** A secret in an exported stack wraps its value as JSON. */
function plain(value: unknown): string {
  if (typeof value === "string") return value;
  return JSON.parse((value as { plaintext: string }).plaintext) as string;
}

/** Makes new machines of an instance's machines, and forgets its stack: what comes next is a first run. */
export async function startOver({ lab }: Prepared): Promise<void> {
  await Promise.all((await lab.machines()).map((machine) => machine.wipe()));
  await rm(join(lab.directory, pulumiDirectory), { recursive: true, force: true });
}

/** Starts the machines and opens the stack of what has been prepared. */
export async function openCluster(prepared: Prepared, board: Board, now: () => number): Promise<Cluster> {
  const { lab, topology, env } = prepared;
  const [machines, stack] = await Promise.all([
    machinesUp(lab, topology.nodes, board, now),
    openStack(join(lab.directory, pulumiDirectory), env, program),
  ]);
  return new Cluster(prepared, machines, stack);
}
