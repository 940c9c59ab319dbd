import type * as k8s from "@pulumi/kubernetes";
import type { KubeVipConfig } from "../config/schema.ts";
import type { Lease } from "../config/timing.ts";

/** Names and namespace of everything that belongs to kube-vip. */
export const kubeVipName = "kube-vip";
export const kubeVipNamespace = "kube-system";

/** What kube-vip may do: hold a lease, announce itself on its node, and read what it balances. */
export const kubeVipRules: k8s.types.input.rbac.v1.PolicyRule[] = [
  { apiGroups: [""], resources: ["services", "services/status"], verbs: ["get", "list", "watch", "update"] },
  { apiGroups: [""], resources: ["endpoints"], verbs: ["get", "list", "watch"] },
  { apiGroups: [""], resources: ["nodes"], verbs: ["get", "list", "watch", "update", "patch"] },
  {
    apiGroups: ["coordination.k8s.io"],
    resources: ["leases"],
    verbs: ["get", "list", "watch", "create", "update"],
  },
  {
    apiGroups: ["discovery.k8s.io"],
    resources: ["endpointslices"],
    verbs: ["get", "list", "watch"],
  },
];

/**
 * Milliseconds between announcements of the address. kube-vip's default of 3000 is what a failover waits for; 500 is
 * its minimum.
 */
const announceEvery = 500;

/** kube-vip's environment for one virtual address of the API, and for those of Services, announced by ARP. */
export function kubeVipEnvironment(
  endpoint: KubeVipConfig,
  { duration, renew, retry }: Lease,
): k8s.types.input.core.v1.EnvVar[] {
  const values: Record<string, string> = {
    vip_arp: "true",
    vip_arpRate: String(announceEvery),
    port: "6443",
    ...(endpoint.interface && { vip_interface: endpoint.interface }),
    vip_subnet: "32",
    cp_enable: "true",
    cp_namespace: kubeVipNamespace,
    svc_enable: String(endpoint.services),
    // Each Service finds a holder of its own, instead of all of them standing on one server.
    ...(endpoint.services && { svc_election: "true" }),
    vip_leaderelection: "true",
    vip_leasename: "plndr-cp-lock",
    vip_leaseduration: String(duration),
    vip_renewdeadline: String(renew),
    vip_retryperiod: String(retry),
    address: endpoint.address,
    // Its own node's API server: through the Service address it stays pinned to a dead server for 10 s.
    KUBERNETES_SERVICE_HOST: "127.0.0.1",
    KUBERNETES_SERVICE_PORT: "6443",
  };
  return [
    ...Object.entries(values).map(([name, value]) => ({ name, value })),
    { name: "vip_nodename", valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } } },
  ];
}

const labels = { "app.kubernetes.io/name": kubeVipName };

/** One pod on every server, on the host's network, with the two capabilities that ARP needs and no other. */
export function kubeVipDaemonSet(
  endpoint: KubeVipConfig,
  lease: Lease,
): k8s.types.input.apps.v1.DaemonSetSpec {
  return {
    selector: { matchLabels: labels },
    updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 1 } },
    template: {
      metadata: { labels },
      spec: {
        serviceAccountName: kubeVipName,
        hostNetwork: true,
        priorityClassName: "system-node-critical",
        affinity: {
          nodeAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: {
              nodeSelectorTerms: [
                { matchExpressions: [{ key: "node-role.kubernetes.io/control-plane", operator: "Exists" }] },
              ],
            },
          },
        },
        tolerations: [
          { effect: "NoSchedule", operator: "Exists" },
          { effect: "NoExecute", operator: "Exists" },
        ],
        containers: [
          {
            name: kubeVipName,
            image: endpoint.image,
            imagePullPolicy: "IfNotPresent",
            args: ["manager"],
            env: kubeVipEnvironment(endpoint, lease),
            securityContext: {
              allowPrivilegeEscalation: false,
              capabilities: { add: ["NET_ADMIN", "NET_RAW"], drop: ["ALL"] },
            },
          },
        ],
      },
    },
  };
}
