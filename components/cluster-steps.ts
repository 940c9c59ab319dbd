import type * as pulumi from "@pulumi/pulumi";
import type { ClusterConfig, NodeConfig } from "../config/schema.ts";
import { anyChange } from "./change.ts";
import { type NodeAccess, NodeStep } from "./node-step.ts";

/** Seconds for fetching the kubeconfig. */
const kubeconfigDeadline = 60;

/** Seconds within which all nodes must be Ready and all servers voters. */
const verifyDeadline = 300;

/** Prints the admin kubeconfig with the given server's own address. */
export function kubeconfigStep(
  name: string,
  access: NodeAccess,
  url: pulumi.Output<string>,
  opts: pulumi.CustomResourceOptions,
): NodeStep {
  const flags = url.apply((server) => [["server", server] as const]);
  return new NodeStep(name, access, { verb: "kubeconfig", flags, deadline: kubeconfigDeadline }, opts);
}

/** Asks the cluster, not the nodes: exactly these voters, no learner, no alarm, every Node Ready. */
export function verifyStep(
  name: string,
  access: NodeAccess,
  config: ClusterConfig,
  opts: pulumi.CustomResourceOptions,
): NodeStep {
  const names = (nodes: readonly NodeConfig[]) =>
    nodes
      .map((node) => node.name)
      .sort()
      .join(",");
  return new NodeStep(
    name,
    access,
    {
      verb: "verify",
      flags: [
        ["server", names(config.servers)],
        ...(config.agents.length > 0 ? [["agent", names(config.agents)] as const] : []),
        ["deadline", verifyDeadline],
      ],
      change: anyChange(config),
      deadline: verifyDeadline,
    },
    opts,
  );
}
