import * as pulumi from "@pulumi/pulumi";
import type { SshSecrets } from "../config/load.ts";
import type { ClusterConfig, MachineConfig } from "../config/schema.ts";
import { requestTo } from "./connection.ts";

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
