import type * as pulumi from "@pulumi/pulumi";
import type { SshSecrets } from "../config/load.ts";
import { virtualAddress } from "../config/render.ts";
import { living } from "../config/roster.ts";
import type { ClusterConfig, MachineConfig, NodeConfig } from "../config/schema.ts";
import { addressCheck } from "./address.ts";
import { anyChange, anyMachineChange, clusterChange, machineChange } from "./change.ts";
import type { AgentMachine } from "./join-agents.ts";
import { K3sRelease } from "./K3sRelease.ts";
import { accessTo, Machine } from "./Machine.ts";
import type { NodeAccess } from "./node-step.ts";
import type { Measurable } from "./Preflight.ts";
import { reachAll, reachRequest } from "./reach.ts";
import { scriptsHash } from "./scripts.ts";

/** The machines of a stack: the way to each, what was found there, and what was brought there. */
export class Machines {
  /** Those that are not lost, by name. */
  readonly looked = new Map<string, Machine>();
  private readonly accesses = new Map<string, NodeAccess>();
  /** The step that brought the release to a node, by the node's name. */
  private readonly releases = new Map<string, pulumi.Resource>();
  /** How ssh/ gets to a machine, whether or not anything answers there. Secret. */
  readonly request: (machine: MachineConfig) => pulumi.Output<string>;
  private readonly config: ClusterConfig;
  private readonly parent: pulumi.Resource;

  /** Looks at every machine that is not lost at the same time; nothing is changed yet. */
  constructor(name: string, config: ClusterConfig, secrets: SshSecrets, parent: pulumi.Resource) {
    this.config = config;
    this.parent = parent;
    const { ssh, version, restore } = config;
    const all: readonly MachineConfig[] = [...config.servers, ...config.agents, ...config.balancers];
    const users = [...new Set([...all, ...config.partTimeAgents].map(({ user }) => user))];
    const scripts = scriptsHash();
    this.request = (machine) => reachRequest(machine, ssh, secrets, users);
    for (const node of all) this.accesses.set(node.name, accessTo({ node, ssh, secrets, scripts }));
    const there = living(all);
    const cluster = clusterChange(config);
    const requests = new Map(there.map((node) => [node.name, this.request(node)]));
    const reached = reachAll(`${name}-reach`, [...requests.values()], anyMachineChange(there, cluster), {
      parent,
    });
    for (const node of there) {
      const access = this.access(node);
      const request = requests.get(node.name)!;
      const change = machineChange(node, cluster);
      const args = { node, access, request, reached, version, restore: restore?.id, change };
      this.looked.set(node.name, new Machine(node.name, args, { parent }));
    }
  }

  /** The way to a machine, lost or not. */
  access({ name }: MachineConfig): NodeAccess {
    return this.accesses.get(name)!;
  }

  /** Those of these that were looked at. */
  of(nodes: readonly MachineConfig[]): Machine[] {
    return nodes.flatMap(({ name }) => this.looked.get(name) ?? []);
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

  /** The nodes, without balancers, as they are measured before the first one is changed. */
  measurable(): Measurable[] {
    const { servers, agents } = this.config;
    return living([...servers, ...agents]).map((node) => ({
      node,
      request: this.looked.get(node.name)!.request,
    }));
  }

  /** What an agent's own steps need of its machine. */
  agent(node: NodeConfig): AgentMachine {
    const machineId = this.looked.get(node.name)?.facts.apply((facts) => facts.machineId);
    return { access: this.access(node), machineId, fetched: this.releases.get(node.name) };
  }

  /**
   * The release comes to one server after another, in the order in which they need it, and then to all agents at the
   * same time: they share the way to the mirror, and have time while the first server starts.
   * @param passed the gate before anything is written to a node
   */
  fetchReleases(passed: pulumi.Resource): void {
    const { config, parent } = this;
    let after = passed;
    for (const node of living([...config.servers, ...config.agents])) {
      const args = { config, node, access: this.access(node), after };
      const { fetched } = new K3sRelease(node.name, args, { parent });
      this.releases.set(node.name, fetched);
      if (node.role === "server") after = fetched;
    }
  }

  /** The steps that brought the release to these nodes. */
  fetched(nodes: readonly NodeConfig[]): pulumi.Resource[] {
    return nodes.flatMap(({ name }) => this.releases.get(name) ?? []);
  }
}
