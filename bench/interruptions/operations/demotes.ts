import { inRoles } from "../../../lab/topology.ts";
import { broughtUp, type Operation } from "../operation.ts";

/** The third of three servers, which becomes an agent, as does the second. */
export const operation: Operation = {
  servers: 3,
  agents: 0,
  victim: "server-3",
  verb: "agent",
  living: ["server-1", "server-2", "server-3"],
  begin: broughtUp,
  async change(cluster) {
    await cluster.configure({ topology: inRoles(cluster.topology, ["server-1"], ["server-2", "server-3"]) });
  },
};
