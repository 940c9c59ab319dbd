import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { ClusterConfig, MachineConfig } from "../config/schema.ts";
import { leaseOf } from "../config/timing.ts";
import { HaproxyLoadBalancer } from "./HaproxyLoadBalancer.ts";
import { KeepalivedAddress } from "./KeepalivedAddress.ts";
import { KubeVip } from "./KubeVip.ts";
import type { NodeAccess } from "./node-step.ts";

export interface EndpointArgs {
  readonly config: ClusterConfig;
  /** Admin kubeconfig with a server's own address. */
  readonly kubeconfig: pulumi.Output<string>;
  readonly access: (machine: MachineConfig) => NodeAccess;
  /** The step after which a server answers, by its name. */
  readonly servers: ReadonlyMap<string, pulumi.Resource>;
  /** The steps that put the scripts on machines. */
  readonly placed: (machines: readonly MachineConfig[]) => readonly pulumi.Resource[];
}

/**
 * What answers for the API, as the stack chooses. It is provided while the servers join, as soon as the first of them
 * answers: nobody joins through the address and every certificate names it from the start, so it may move or pause
 * meanwhile without harm.
 * @returns what must be done before the endpoint can be asked
 */
export function provideEndpoint(
  name: string,
  args: EndpointArgs,
  opts: pulumi.ComponentResourceOptions,
): readonly pulumi.Resource[] {
  const { config, access } = args;
  const { endpoint } = config;
  switch (endpoint.provider) {
    case "kube-vip": {
      // Without an identifier of its own, a kubeconfig that changes would replace everything made through it.
      const provider = new k8s.Provider(
        `${name}-api`,
        {
          kubeconfig: args.kubeconfig,
          clusterIdentifier: `${pulumi.getProject()}-${pulumi.getStack()}`,
          // kube-vip's objects are this program's, also those that a snapshot or a run that was killed left behind.
          upsertExistingObjects: true,
          enablePatchForce: true,
        },
        opts,
      );
      const lease = leaseOf(endpoint, config.etcd.timing);
      const servers = config.servers.map((machine) => ({
        machine,
        access: access(machine),
        after: args.placed([machine]),
      }));
      return [new KubeVip(`${name}-kube-vip`, { endpoint, lease, provider, servers }, opts).daemonSet];
    }
    case "keepalived": {
      const servers = config.servers.map((machine) => ({
        machine,
        access: access(machine),
        after: args.servers.get(machine.name)!,
      }));
      return new KeepalivedAddress(`${name}-keepalived`, { endpoint, servers }, opts).steps;
    }
    case "haproxy": {
      const machines = config.balancers.map((machine) => ({ machine, access: access(machine) }));
      const after = args.placed(config.balancers);
      return new HaproxyLoadBalancer(`${name}-haproxy`, { config, endpoint, machines, after }, opts).steps;
    }
    case "external":
    case "none":
      return [];
  }
}
