import { inRoles } from "../../../lab/topology.ts";
import { broughtUp, type Operation } from "../operation.ts";

/** An agent that becomes the third server. */
export const operation: Operation = {
  servers: 1,
  agents: 2,
  victim: "agent-2",
  verb: "server",
  living: ["server-1"],
  begin: broughtUp,
  async change(cluster) {
    await cluster.configure({ topology: inRoles(cluster.topology, ["server-1", "agent-1", "agent-2"], []) });
  },
};
