import type { Operation } from "../operation.ts";

/** The second of three servers, which gets the next minor: it is drained, restarted and uncordoned. */
export const operation: Operation = {
  servers: 3,
  agents: 0,
  versions: ["v1.33.6+k3s1", "v1.34.2+k3s1"],
  victim: "server-2",
  verb: "server",
  living: ["server-1", "server-2", "server-3"],
  async begin(cluster) {
    await cluster.operate("up");
  },
  async change(cluster, prepared) {
    await cluster.configure({ release: prepared.releases[1]! });
  },
};
