import * as pulumi from "@pulumi/pulumi";
import type { SshSecrets } from "../config/load.ts";
import type { ClusterConfig, MachineConfig } from "../config/schema.ts";
import { requestTo } from "./connection.ts";
import { LocalStep } from "./local-step.ts";

/** Seconds that machines may take to answer, a reboot included; with many of them some wait for their turn. */
const reachDeadline = 180;

/**
 * Logs in to all machines at the same time, before anything else is done anywhere: whoever cannot be reached is named at
 * once, with which of key, user, host, port or sudo is to blame. One process for all of them: with a hundred machines a
 * hundred processes would start at the same moment.
 */
export function reachAll(
  name: string,
  requests: readonly pulumi.Output<string>[],
  change: string,
  opts: pulumi.CustomResourceOptions,
): LocalStep {
  const stdin = pulumi.all([...requests]).apply((all) => `[${all.join(",")}]`);
  const args = { script: "ssh/reach.ts", stdin, change, deadline: reachDeadline, secret: true };
  return new LocalStep(name, args, opts);
}

/**
 * How ssh/ gets to a machine, in its own words. Secret.
 * @param users login names of the stack, so that a wrong one can be told from a wrong key
 */
export function reachRequest(
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
