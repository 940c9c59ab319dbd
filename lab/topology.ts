/** A machine of the lab, and what it becomes. */
export type LabNode = { name: string; role: "server" | "agent"; address: string };

/** The machines of an instance and its virtual address. */
export type Topology = { nodes: LabNode[]; servers: LabNode[]; agents: LabNode[]; vip: string };

/** Ten addresses for the servers, the rest of the network below its broadcast address for the agents. */
const firstServer = 11;
const firstAgent = 21;
const vipHost = 10;
const limits = { servers: 7, agents: 100 };

/**
 * The nodes of an instance: VIP .10, servers from .11, agents from .21.
 * @param hostAddress The lab's own address on its bridge, such as 10.87.0.1.
 * @throws when the numbers do not make a cluster.
 */
export function topologyOf(hostAddress: string, servers: number, agents: number): Topology {
  if (!Number.isInteger(servers) || servers < 1 || servers > limits.servers || servers % 2 === 0)
    throw new Error(`--servers: found ${servers}, want 1, 3, 5 or 7: etcd needs an odd number of voters`);
  if (!Number.isInteger(agents) || agents < 0 || agents > limits.agents)
    throw new Error(`--agents: found ${agents}, want 0 to ${limits.agents}`);
  const prefix = hostAddress.slice(0, hostAddress.lastIndexOf("."));
  const make = (role: LabNode["role"], count: number, first: number): LabNode[] =>
    Array.from({ length: count }, (_, i) => ({
      name: `${role}-${i + 1}`,
      role,
      address: `${prefix}.${first + i}`,
    }));
  const all = { servers: make("server", servers, firstServer), agents: make("agent", agents, firstAgent) };
  return { ...all, nodes: [...all.servers, ...all.agents], vip: `${prefix}.${vipHost}` };
}

/**
 * The same machines with these servers and agents; others are in no cluster.
 * @throws when there is no machine of a name
 */
export function inRoles(topology: Topology, servers: readonly string[], agents: readonly string[]): Topology {
  const cast = (role: LabNode["role"]) => (name: string) => {
    const node = topology.nodes.find((one) => one.name === name);
    if (!node)
      throw new Error(`${name}: found no such machine among ${topology.nodes.map((n) => n.name).join(", ")}`);
    return { ...node, role };
  };
  const all = { servers: servers.map(cast("server")), agents: agents.map(cast("agent")) };
  return { ...topology, ...all, nodes: [...all.servers, ...all.agents] };
}
