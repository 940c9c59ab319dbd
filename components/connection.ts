import type { types } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { SshSecrets } from "../config/load.ts";
import type { ClusterConfig, MachineConfig } from "../config/schema.ts";
import type { RequestInput } from "../ssh/request.ts";

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

/** What opens the machines, in clear; neither where an SSH agent does. */
export interface Login {
  readonly privateKey?: string | undefined;
  readonly passphrase?: string | undefined;
}

/**
 * How ssh/ connects to a node, in its own words.
 * @param users login names of the stack, so that a wrong one can be told from a wrong key
 */
export function requestTo(
  node: MachineConfig,
  ssh: ClusterConfig["ssh"],
  { privateKey, passphrase }: Login,
  users: readonly string[],
): Omit<RequestInput, "waitSeconds"> {
  const { name, host, port, user, hostKey } = node;
  return {
    name,
    host,
    port,
    user,
    hostKey,
    privateKey,
    passphrase,
    bastion: ssh.bastion && { ...ssh.bastion, privateKey, passphrase },
    users: users.filter((other) => other !== user),
  };
}

/** The same of a stack, for steps that run on this machine. Secret. */
export function requestOf(
  machine: MachineConfig,
  ssh: ClusterConfig["ssh"],
  secrets: SshSecrets,
  users: readonly string[],
): pulumi.Output<string> {
  const request = pulumi
    .all([secrets.privateKey, secrets.passphrase])
    .apply(([privateKey, passphrase]) =>
      JSON.stringify(requestTo(machine, ssh, { privateKey, passphrase }, users)),
    );
  return pulumi.secret(request);
}
