import type { ClusterConfig, NodeConfig } from "./schema.ts";

/** The nodes that were not declared lost. */
export const living = (nodes: readonly NodeConfig[]): readonly NodeConfig[] =>
  nodes.filter(({ lost }) => !lost);

/**
 * The first server that is not lost: it founds the cluster where there is none, and is asked about it from then on.
 * The rules of the configuration see to it that there is one.
 */
export const firstServer = ({ servers }: Pick<ClusterConfig, "servers">): NodeConfig => living(servers)[0]!;
