import { living } from "../config/roster.ts";
import { type Access, accessOf } from "../measure/kube.ts";
import { Remote } from "./remote.ts";
import { readStack, type StackChoice } from "./stack.ts";

/** The cluster that a command is about: how to talk to its API, and to its machines. */
export interface TargetCluster {
  /** Its administrator, through the endpoint. Secret. */
  readonly access: Access;
  readonly endpoint: string;
  readonly servers: readonly { readonly name: string; readonly address: string }[];
  readonly remote: Remote;
}

/** @throws Error when the stack or its configuration cannot be read, or it was never brought up */
export async function openTarget(choice: StackChoice): Promise<TargetCluster> {
  const [{ kubeconfig, endpoint }, remote] = await Promise.all([readStack(choice), Remote.open(choice)]);
  const servers = living(remote.config.servers).map(({ name, address }) => ({ name, address }));
  return { access: accessOf(kubeconfig), endpoint, servers, remote };
}

/** The API of one server itself, whatever the endpoint does. */
export function ownAccess(access: Access, address: string): Access {
  const host = address.includes(":") ? `[${address}]` : address;
  return { ...access, server: `https://${host}:6443` };
}
