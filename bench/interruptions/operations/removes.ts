import { inRoles } from "../../../lab/topology.ts";
import { broughtUp, type Operation } from "../operation.ts";

/** The third of three servers, which leaves the cluster for good, as does the second. */
export const operation: Operation = {
  servers: 3,
  agents: 0,
  victim: "server-3",
  verb: "remove",
  also: ["drain"],
  living: ["server-1", "server-2", "server-3"],
  begin: broughtUp,
  async change(cluster) {
    await cluster.configure({ topology: inRoles(cluster.topology, ["server-1"], []) });
  },
};
