import type { types } from "@pulumi/command";
import type { SshSecrets } from "../config/load.ts";
import type { ClusterConfig, MachineConfig } from "../config/schema.ts";

export type Connection = types.input.remote.ConnectionArgs;

/** The node has answered moments before; a reboot in between is the next run's business. */
const dialErrorLimit = 3;
/** Seconds for one attempt. */
const perDialTimeout = 15;

/**
 * How the command provider connects to a node. Every field is named on purpose: an unknown one would make the
 * provider print the private key (pulumi-command#773). Without a key it asks the agent at SSH_AUTH_SOCK by itself;
 * the socket's path changes from login to login and must not become part of the state.
 */
export function connectionTo(
  node: MachineConfig,
  ssh: ClusterConfig["ssh"],
  secrets: SshSecrets,
): Connection {
  const auth = {
    ...(secrets.privateKey && { privateKey: secrets.privateKey }),
    ...(secrets.passphrase && { privateKeyPassword: secrets.passphrase }),
  };
  const { host, port, user, hostKey } = node;
  const { bastion } = ssh;
  return {
    host,
    port,
    user,
    hostKey,
    dialErrorLimit,
    perDialTimeout,
    ...auth,
    ...(bastion && {
      proxy: {
        host: bastion.host,
        port: bastion.port,
        user: bastion.user,
        hostKey: bastion.hostKey,
        dialErrorLimit,
        perDialTimeout,
        ...auth,
      },
    }),
  };
}
