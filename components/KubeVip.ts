import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { KubeVipConfig, MachineConfig } from "../config/schema.ts";
import type { Lease } from "../config/timing.ts";
import { handoverStep } from "./endpoint-step.ts";
import { kubeVipDaemonSet, kubeVipName, kubeVipNamespace, kubeVipRules } from "./kube-vip-manifest.ts";
import { untouched } from "./lost.ts";
import type { NodeAccess } from "./node-step.ts";
import { componentType } from "./types.ts";

export interface KubeVipArgs {
  readonly endpoint: KubeVipConfig;
  /** Its leader election. */
  readonly lease: Lease;
  /** Talks to a server by its own address: the virtual one does not answer yet. */
  readonly provider: k8s.Provider;
  /** All servers, lost ones too, and for each the step after which its scripts are there. */
  readonly servers: readonly {
    readonly machine: MachineConfig;
    readonly access: NodeAccess;
    readonly after: readonly pulumi.Resource[];
  }[];
}

/** How long the first pods may take to come up; an image must be pulled. */
const rollout = "10m";

/** The virtual address of the API, held by one server at a time. */
export class KubeVip extends pulumi.ComponentResource {
  /** The last of its objects; who needs the address depends on it. */
  readonly daemonSet: pulumi.Resource;

  constructor(name: string, args: KubeVipArgs, opts?: pulumi.ComponentResourceOptions) {
    super(componentType("KubeVip"), name, {}, opts);
    const handed = args.servers.map(({ machine, access, after }) =>
      handoverStep(access, machine, args.endpoint.address, {
        parent: this,
        dependsOn: [...after],
        ...(machine.lost && untouched),
      }),
    );
    const child: pulumi.CustomResourceOptions = { parent: this, provider: args.provider };
    const metadata = { name: kubeVipName, namespace: kubeVipNamespace };

    const account = new k8s.core.v1.ServiceAccount(`${name}-account`, { metadata }, child);
    const role = new k8s.rbac.v1.ClusterRole(
      `${name}-role`,
      { metadata: { name: kubeVipName }, rules: kubeVipRules },
      child,
    );
    const binding = new k8s.rbac.v1.ClusterRoleBinding(
      `${name}-binding`,
      {
        metadata: { name: kubeVipName },
        roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: kubeVipName },
        subjects: [{ kind: "ServiceAccount", name: kubeVipName, namespace: kubeVipNamespace }],
      },
      { ...child, dependsOn: [role, account] },
    );
    this.daemonSet = new k8s.apps.v1.DaemonSet(
      `${name}-pods`,
      { metadata, spec: kubeVipDaemonSet(args.endpoint, args.lease) },
      { ...child, dependsOn: [binding, ...handed], customTimeouts: { create: rollout, update: rollout } },
    );
    this.registerOutputs({});
  }
}
