import {
  type ClusterConfig,
  clusterSchema,
  nodeSchema,
  type ParsedConfig,
  type ParsedNode,
} from "./schema.ts";

/** A node with the place where it stands, so that rules can name it. */
export interface PlacedNode {
  /** `servers[0]` */
  readonly place: string;
  readonly role: "server" | "agent";
  /** Its own address, when one can be told. */
  readonly address: string | undefined;
  readonly node: ParsedNode;
}

/**
 * The well-formed parts of a configuration. Cross-field rules work on these, so that one malformed value does not
 * hide the problems beside it.
 */
export type Draft = Partial<Omit<ParsedConfig, "servers" | "agents">> & {
  readonly nodes: readonly PlacedNode[];
  /** How many servers are listed, well-formed or not; undefined when there is no list. */
  readonly serverCount: number | undefined;
};

function placedNodes(list: unknown, key: "servers" | "agents"): PlacedNode[] {
  if (!Array.isArray(list)) return [];
  return list.flatMap((entry, index) => {
    const parsed = nodeSchema.safeParse(entry);
    if (!parsed.success) return [];
    const role = key === "servers" ? "server" : "agent";
    return [{ place: `${key}[${index}]`, role, address: ownAddress(parsed.data), node: parsed.data }];
  });
}

/** `address`, or `host` when it is an address itself. */
export function ownAddress(node: Pick<ParsedNode, "address" | "host">): string | undefined {
  return node.address ?? (/^[0-9.]+$/.test(node.host) ? node.host : undefined);
}

export function draftOf(input: Readonly<Record<string, unknown>>): Draft {
  const parts = Object.entries(clusterSchema.shape)
    .filter(([key]) => key !== "servers" && key !== "agents")
    .map(([key, schema]) => [key, schema.safeParse(input[key])] as const)
    .flatMap(([key, result]) => (result.success ? [[key, result.data] as const] : []));
  return {
    ...(Object.fromEntries(parts) as Partial<ParsedConfig>),
    nodes: [...placedNodes(input.servers, "servers"), ...placedNodes(input.agents, "agents")],
    serverCount: Array.isArray(input.servers) ? input.servers.length : undefined,
  };
}

/** Keeps pods off a server that do not ask for one; the same as kubeadm gives. */
const serversOnly = "node-role.kubernetes.io/control-plane:NoSchedule";

/** Fills in what a node inherits. Only for a configuration without problems. */
export function complete(parsed: ParsedConfig): ClusterConfig {
  const reach = (machine: Pick<ParsedNode, "address" | "host" | "user" | "port">) => ({
    address: ownAddress(machine) ?? machine.host,
    user: machine.user ?? parsed.ssh.user,
    port: machine.port ?? parsed.ssh.port,
  });
  const fill =
    (role: "server" | "agent") =>
    (node: ParsedNode): ClusterConfig["servers"][number] => ({
      ...node,
      role,
      ...reach(node),
      protect: node.protect ?? parsed.protect,
      taints: role === "server" && parsed.controlPlaneTaint ? [...node.taints, serversOnly] : node.taints,
    });
  const agents = parsed.agents.map(fill("agent"));
  const balancers = parsed.endpoint.provider === "haproxy" ? parsed.endpoint.balancers : [];
  return {
    ...parsed,
    servers: parsed.servers.map(fill("server")),
    agents: agents.filter(({ partTime }) => !partTime),
    partTimeAgents: agents.filter(({ partTime }) => partTime),
    balancers: balancers.map((machine) => ({ ...machine, role: "balancer", ...reach(machine) })),
  };
}
