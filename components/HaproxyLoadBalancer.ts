import * as pulumi from "@pulumi/pulumi";
import { haproxyConfig } from "../config/haproxy.ts";
import type { ClusterConfig, HaproxyConfig, MachineConfig } from "../config/schema.ts";
import { type EndpointFiles, endpointStep, keepalivedFile } from "./endpoint-step.ts";
import { untouched } from "./lost.ts";
import type { NodeAccess } from "./node-step.ts";
import { componentType } from "./types.ts";

export interface HaproxyLoadBalancerArgs {
  readonly config: ClusterConfig;
  readonly endpoint: HaproxyConfig;
  readonly machines: readonly { readonly machine: MachineConfig; readonly access: NodeAccess }[];
  /** What must be done before a balancer is touched. */
  readonly after: readonly pulumi.Resource[];
}

/**
 * HAProxy from the distribution's packages on one or two machines, in front of all servers. Between two, keepalived
 * moves the address. The second is touched after the first, so that one of them always answers.
 */
export class HaproxyLoadBalancer extends pulumi.ComponentResource {
  readonly steps: readonly pulumi.Resource[];

  constructor(name: string, args: HaproxyLoadBalancerArgs, opts?: pulumi.ComponentResourceOptions) {
    super(componentType("HaproxyLoadBalancer"), name, {}, opts);
    const { endpoint, machines } = args;
    const carriers = machines.map(({ machine }) => machine);
    const haproxy = haproxyConfig(args.config);
    const steps: pulumi.Resource[] = [];
    for (const { machine, access } of machines) {
      const moving: EndpointFiles = machines.length > 1 ? keepalivedFile(machine, carriers, endpoint) : {};
      const after = [...args.after, ...steps.slice(-1)];
      const own = { parent: this, dependsOn: after, ...(machine.lost && untouched) };
      steps.push(endpointStep(access, machine, { haproxy, ...moving }, own));
    }
    this.steps = steps;
    this.registerOutputs({});
  }
}
