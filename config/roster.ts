import type { ClusterConfig, NodeConfig } from "./schema.ts";

/** The machines that were not declared lost. */
export const living = <Machine extends { readonly lost: boolean }>(
  machines: readonly Machine[],
): readonly Machine[] => machines.filter(({ lost }) => !lost);

/**
 * The first server that is not lost: it founds the cluster where there is none, and is asked about it from then on.
 * The rules of the configuration see to it that there is one.
 */
export const firstServer = ({ servers }: Pick<ClusterConfig, "servers">): NodeConfig => living(servers)[0]!;
