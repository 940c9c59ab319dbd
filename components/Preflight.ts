import * as pulumi from "@pulumi/pulumi";
import type { NodeFacts } from "../config/facts.ts";
import { checksumsFor } from "../config/releases.ts";
import { virtualAddress } from "../config/render.ts";
import { living } from "../config/roster.ts";
import type { ClusterConfig, NodeConfig } from "../config/schema.ts";
import { measureChange } from "./change.ts";
import type { Checked, CheckInput } from "./check-nodes.ts";
import { LocalStep } from "./local-step.ts";
import type { MeasureInput } from "./measuring.ts";
import { componentType } from "./types.ts";

export interface PreflightArgs {
  readonly config: ClusterConfig;
  /** Facts of every node, servers and agents. */
  readonly facts: readonly pulumi.Output<NodeFacts>[];
  /** The machines of the nodes that are not lost. */
  readonly machines: readonly Measurable[];
  /** Looks at other machines, which must not fail either. */
  readonly after: readonly pulumi.Resource[];
  readonly change: string;
}

/** What is measured of a node. */
export interface Measurable {
  readonly node: NodeConfig;
  /** How ssh/ gets there. Secret. */
  readonly request: pulumi.Input<string>;
}

/** Seconds for a look from this machine. */
const checkDeadline = 60;
/** Seconds for measuring: a machine that reboots is waited for, then three questions to each, all at the same time. */
const measureDeadline = 210;

/**
 * The gate between looking and changing: all nodes were reached, inspected and measured, no two of them are one machine,
 * and none would be downgraded or made to skip a minor. Everything that changes a node comes after `passed`, directly or
 * through the chain of servers; so the graph grows with the number of nodes and not with its square.
 */
export class Preflight extends pulumi.ComponentResource {
  readonly passed: pulumi.Resource;
  /** Whether the cluster lives already: what is changed then is changed on the servers before the agents. */
  readonly serverRuns: pulumi.Output<boolean>;
  /** Names of the servers that shall be agents: they leave etcd one after another, when all servers are done. */
  readonly demoted: pulumi.Output<readonly string[]>;

  constructor(name: string, args: PreflightArgs, opts?: pulumi.ComponentResourceOptions) {
    super(componentType("Preflight"), name, {}, opts);
    const { config, change } = args;
    const measure = this.measure(name, args);
    const stdin = pulumi.all([...args.facts]).apply((nodes) => {
      const wish: CheckInput = {
        version: config.version,
        checksums: checksumsFor(config.version, config.checksums),
        nodes,
        agents: living(config.agents).map((node) => node.name),
      };
      return JSON.stringify(wish);
    });
    const check = new LocalStep(
      `${name}-nodes`,
      { script: "components/local-check.ts", stdin, change, deadline: checkDeadline, secret: false },
      { parent: this, dependsOn: [measure, ...args.after] },
    );
    this.passed = check;
    const checked = check.stdout.apply((stdout) => JSON.parse(stdout) as Checked);
    this.serverRuns = checked.apply(({ serverRuns }) => serverRuns);
    this.demoted = checked.apply(({ demoted }) => demoted);
    this.registerOutputs({});
  }

  /**
   * Ports, disks, clocks, the ways between the nodes, and whether the endpoint's address is taken. Runs while the nodes
   * are reached and looked at, which it needs nothing of.
   */
  private measure(name: string, { config, machines }: PreflightArgs): LocalStep {
    const stdin = pulumi.all(machines.map(({ request }) => request)).apply((requests) => {
      const { limits, k3s } = config;
      const input: MeasureInput = {
        limits,
        vxlan: k3s.flannelBackend === "vxlan",
        vip: virtualAddress(config) ?? null,
        machines: machines.map(({ node }, index) => ({
          request: requests[index]!,
          name: node.name,
          role: node.role,
          address: node.address,
        })),
      };
      return JSON.stringify(input);
    });
    return new LocalStep(
      `${name}-measure`,
      {
        script: "components/local-measure.ts",
        stdin,
        change: measureChange(config),
        deadline: measureDeadline,
        secret: true,
      },
      { parent: this },
    );
  }
}
