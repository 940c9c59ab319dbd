import * as pulumi from "@pulumi/pulumi";
import type { SshSecrets } from "../config/load.ts";
import { virtualAddress } from "../config/render.ts";
import { living } from "../config/roster.ts";
import type { ClusterConfig, MachineConfig, NodeConfig } from "../config/schema.ts";
import { addressCheck } from "./address.ts";
import { anyChange } from "./change.ts";
import { requestOf } from "./connection.ts";
import type { AgentMachine } from "./join-agents.ts";
import { K3sRelease } from "./K3sRelease.ts";
import { accessTo, Machine } from "./Machine.ts";
import type { NodeAccess, NodeStep } from "./node-step.ts";
import { type Preflight, preflight } from "./preflight.ts";
import { readMachineId } from "./results.ts";
import { scriptsHash } from "./scripts.ts";

/** The machines of a stack: the way to each, what was found there, and what was brought there. */
export class Machines {
  /** What was found on those that are not lost. */
  readonly preflight: Preflight;
  /** Those that are not lost, by name. */
  readonly looked: ReadonlyMap<string, Machine>;
  private readonly accesses = new Map<string, NodeAccess>();
  /** The step that brought the release to a node, by the node's name. */
  private readonly releases = new Map<string, NodeStep>();
  /** How ssh/ gets to a machine, whether or not anything answers there. Secret. */
  readonly request: (machine: MachineConfig) => pulumi.Output<string>;
  private readonly config: ClusterConfig;
  private readonly parent: pulumi.Resource;

  /** Looks at every machine that is not lost at the same time; then each gets the scripts, and each node the release. */
  constructor(name: string, config: ClusterConfig, secrets: SshSecrets, parent: pulumi.Resource) {
    this.config = config;
    this.parent = parent;
    const { ssh } = config;
    const all: readonly MachineConfig[] = [...config.servers, ...config.agents, ...config.balancers];
    const users = [...new Set([...all, ...config.partTimeAgents].map(({ user }) => user))];
    const scripts = scriptsHash();
    this.request = (machine) => requestOf(machine, ssh, secrets, users);
    for (const node of all) this.accesses.set(node.name, accessTo({ node, ssh, secrets, scripts }));
    const machines = living(all).map((machine) => ({ machine, request: this.request(machine) }));
    this.preflight = preflight(`${name}-preflight`, { config, machines }, { parent });
    const { passed } = this.preflight;
    this.looked = new Map(
      machines.map(({ machine: node, request }) => {
        const args = { node, access: this.access(node), request, passed };
        return [node.name, new Machine(node.name, args, { parent })];
      }),
    );
    this.fetchReleases();
  }

  /** The way to a machine, lost or not. */
  access({ name }: MachineConfig): NodeAccess {
    return this.accesses.get(name)!;
  }

  /** The steps that put the scripts on those of these that are not lost. */
  placed(machines: readonly MachineConfig[]): pulumi.Resource[] {
    return machines.flatMap(({ name }) => this.looked.get(name)?.placed ?? []);
  }

  /** Looks from all machines where the endpoint's address is, when it is one that moves. */
  checkAddress(name: string, after: readonly pulumi.Resource[]): void {
    const { config, parent } = this;
    const address = virtualAddress(config);
    if (address === undefined) return;
    const all: readonly MachineConfig[] = [...config.servers, ...config.agents, ...config.balancers];
    const machines = living(all).map((node) => ({ config: node, machine: this.looked.get(node.name)! }));
    const carriers = config.balancers.length > 0 ? "balancer" : "server";
    const args = { address, machines, carriers, change: anyChange(config) } as const;
    addressCheck(name, args, { parent, dependsOn: [...after] });
  }

  /** What an agent's own steps need of its machine. */
  agent(node: NodeConfig): AgentMachine {
    const fetched = this.releases.get(node.name);
    const machineId =
      fetched && pulumi.unsecret(fetched.answer((stdout) => readMachineId(node.name, stdout)));
    return { access: this.access(node), machineId, fetched };
  }

  /** The steps that brought the release to these nodes. */
  fetched(nodes: readonly NodeConfig[]): pulumi.Resource[] {
    return nodes.flatMap(({ name }) => this.releases.get(name) ?? []);
  }

  /**
   * The release comes to one server after another, in the order in which they need it, and then to all agents at the
   * same time: they share the way to the mirror, and have time while the first server starts.
   */
  private fetchReleases(): void {
    const { config, parent } = this;
    let before: readonly pulumi.Resource[] = [];
    for (const node of living([...config.servers, ...config.agents])) {
      const after = [...this.placed([node]), ...before];
      const { fetched } = new K3sRelease(
        node.name,
        { config, node, access: this.access(node), after },
        { parent },
      );
      this.releases.set(node.name, fetched);
      if (node.role === "server") before = [fetched];
    }
  }
}
