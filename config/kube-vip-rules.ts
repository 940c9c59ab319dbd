import type { Draft } from "./draft.ts";
import { kubeVipDefect } from "./images.ts";
import type { Problem } from "./problems.ts";
import { type Lease, leaseOf } from "./timing.ts";

/** What kube-vip would accept and then not do. */
export function kubeVipProblems({ endpoint, etcd, k3s }: Draft): Problem[] {
  if (endpoint?.provider !== "kube-vip") return [];
  return [
    ...leaseProblems(leaseOf(endpoint, etcd?.timing)),
    ...imageProblems(endpoint.image),
    ...(endpoint.services && k3s ? serviceProblems(k3s.disable) : []),
  ];
}

/** client-go refuses a renew deadline under 1.2 retries; 2/1/1 looks healthy and never elects anyone. */
function leaseProblems({ duration, renew, retry }: Lease): Problem[] {
  if (duration > renew && renew > 1.2 * retry) return [];
  return [
    {
      path: "endpoint.lease",
      found: `duration ${duration}, renew ${renew}, retry ${retry}`,
      wanted: "duration above renew, and renew above 1.2 times retry",
      next: "Take 5/3/1, 15/10/2 on slow disks, or at the shortest 3/2/1; with 2/1/1 nobody is ever elected.",
    },
  ];
}

function imageProblems(image: string): Problem[] {
  const defect = kubeVipDefect(image);
  if (!defect) return [];
  return [
    {
      path: "endpoint.image",
      found: `${image.split("@")[0]}: ${defect}`,
      wanted: "a release of kube-vip that keeps its address",
      next: "Leave endpoint.image out; the pinned one is good.",
    },
  ];
}

/** k3s' own ServiceLB would give every Service of type LoadBalancer the nodes' addresses as well. */
function serviceProblems(disabled: readonly string[]): Problem[] {
  if (disabled.includes("servicelb")) return [];
  return [
    {
      path: "endpoint.services",
      found: "true, and k3s' own servicelb beside it",
      wanted: "one that looks after Services of type LoadBalancer",
      next: "Add servicelb to k3s.disable when the cluster is founded; on a living one leave endpoint.services out, since k3s.disable cannot change there.",
    },
  ];
}
