import { broughtUp, type Operation } from "../operation.ts";

/** The first of three servers, which rotates both tokens, the encryption keys and its certificates. */
export const operation: Operation = {
  servers: 3,
  agents: 0,
  victim: "server-1",
  verb: "server",
  files: ["lib/rotate.sh"],
  living: ["server-1", "server-2", "server-3"],
  begin: broughtUp,
  async change(cluster) {
    const rotate = { serverToken: 1, agentToken: 1, certificates: 1, encryptionKeys: 1 };
    await cluster.configure({ more: { rotate } });
  },
};
