import { broughtUp, type Operation } from "../operation.ts";

/** The second of three servers, whose certificate gets another name. */
export const operation: Operation = {
  servers: 3,
  agents: 0,
  victim: "server-2",
  verb: "server",
  living: ["server-1", "server-2", "server-3"],
  begin: broughtUp,
  async change(cluster) {
    await cluster.configure({ more: { tlsSans: ["k3s.example.org"] } });
  },
};
