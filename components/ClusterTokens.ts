import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import { componentType } from "./types.ts";

export interface ClusterTokensArgs {
  /** Whether Pulumi refuses to delete or replace the tokens. */
  readonly protect: boolean;
  /** How often each of them was rotated. */
  readonly rotated: { readonly server: number; readonly agent: number };
}

/** Letters and digits that make guessing pointless (about 285 bits). */
const length = 48;

/**
 * The two passwords of a cluster: one lets servers join, the other only agents. Letters and digits only, since they
 * stand in YAML and beside `::` in tokens.
 *
 * Each rotation adds a password and none ever goes: `NAME-server`, `NAME-server-1`, `NAME-server-2`, ... A password
 * with keepers would be replaced instead, which Pulumi refuses for a protected resource; unprotecting it first would
 * leave the cluster's key to a slip of the hand. The older ones are also what snapshots from their time are opened
 * with. Lowering a counter would delete a protected password, so a preview already refuses it.
 */
export class ClusterTokens extends pulumi.ComponentResource {
  readonly server: pulumi.Output<string>;
  readonly agent: pulumi.Output<string>;

  constructor(name: string, args: ClusterTokensArgs, opts?: pulumi.ComponentResourceOptions) {
    super(componentType("ClusterTokens"), name, {}, opts);
    const newest = (role: "server" | "agent") => {
      const passwords = Array.from(
        { length: args.rotated[role] + 1 },
        (_, rotation) =>
          new random.RandomPassword(
            rotation === 0 ? `${name}-${role}` : `${name}-${role}-${rotation}`,
            { length, special: false },
            { parent: this, protect: args.protect, additionalSecretOutputs: ["result"] },
          ),
      );
      return pulumi.secret(passwords.at(-1)!.result);
    };
    this.server = newest("server");
    this.agent = newest("agent");
    this.registerOutputs({ server: this.server, agent: this.agent });
  }
}
