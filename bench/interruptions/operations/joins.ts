import { killTree, startClient } from "../../../lab/client-process.ts";
import type { Operation } from "../operation.ts";
import { release, stopAt, stopped } from "../stop.ts";

/** The last server of three that joins a cluster. */
export const operation: Operation = {
  servers: 3,
  agents: 0,
  victim: "server-3",
  verb: "server",
  living: ["server-1", "server-2"],
  async begin(cluster, prepared) {
    const victim = cluster.machine("server-3");
    await stopAt(victim, "begin observe");
    const client = startClient(prepared.lab.instance, prepared.env);
    await stopped(victim, client.ended);
    for (const machine of await prepared.lab.machines()) await machine.powerOff();
    await release(victim);
    await killTree(client);
  },
};
