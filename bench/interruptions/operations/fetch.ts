import type { Operation } from "../operation.ts";

/** The release that is brought to a node before it becomes a server. */
export const operation: Operation = { servers: 1, agents: 0, victim: "server-1", verb: "fetch" };
