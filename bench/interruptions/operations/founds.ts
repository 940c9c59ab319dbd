import type { Operation } from "../operation.ts";

/** The server that founds a cluster. */
export const operation: Operation = { servers: 1, agents: 0, victim: "server-1", verb: "server" };
