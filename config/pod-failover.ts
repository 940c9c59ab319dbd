import { z } from "zod";
import { whole } from "./grammar.ts";
import type { Problem } from "./problems.ts";

/** How soon pods of a Node that went silent run elsewhere. What is not given is Kubernetes' own. */
export const podFailover = z.strictObject({
  /** Seconds of silence after which a Node is not ready: node-monitor-grace-period. A kubelet speaks every 10 s. */
  graceSeconds: whole(20, 600).optional(),
  /** Seconds that pods then stay there: default-not-ready-toleration-seconds and default-unreachable-toleration-seconds. */
  tolerationSeconds: whole(10, 86_400).optional(),
});

export type PodFailover = z.output<typeof podFailover>;

/** What k3s passes on to the API server and to the controller manager. */
export function podFailoverFlags({ graceSeconds, tolerationSeconds }: PodFailover): Record<string, string[]> {
  return {
    ...(tolerationSeconds !== undefined && {
      "kube-apiserver-arg": ["not-ready", "unreachable"].map(
        (taint) => `default-${taint}-toleration-seconds=${tolerationSeconds}`,
      ),
    }),
    ...(graceSeconds !== undefined && {
      "kube-controller-manager-arg": [`node-monitor-grace-period=${graceSeconds}s`],
    }),
  };
}

/** Kubernetes' own: 40 s until v1.31, 50 s since; the shorter counts where the other value is judged. */
const defaults = { graceSeconds: 40, tolerationSeconds: 300 };

/**
 * A kubelet notices after 45 s that the server that it was connected to is gone (client-go's HTTP/2 health check), and is
 * silent meanwhile; a restart of k3s takes half a minute. Neither may empty a healthy Node.
 */
const leastSeconds = 60;

/** Values with which a healthy Node would lose its pods. Pure. */
export function podFailoverProblems(given: PodFailover = {}): Problem[] {
  const { graceSeconds = defaults.graceSeconds, tolerationSeconds = defaults.tolerationSeconds } = given;
  const sum = graceSeconds + tolerationSeconds;
  if (sum >= leastSeconds) return [];
  return [
    {
      path: "podFailover",
      found: `graceSeconds ${graceSeconds} and tolerationSeconds ${tolerationSeconds}, ${sum} s together`,
      wanted: `at least ${leastSeconds} s together`,
      next: "A healthy node may be silent for 45 s when a server dies, and would lose its pods. Raise tolerationSeconds.",
    },
  ];
}
