import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import { componentType } from "./types.ts";

export interface ClusterTokensArgs {
  /** Whether Pulumi refuses to delete or replace the tokens. */
  readonly protect: boolean;
}

/** Letters and digits that make guessing pointless (about 285 bits). */
const length = 48;

/**
 * The two passwords of a cluster: one lets servers join, the other only agents. Letters and digits only, since they
 * stand in YAML and beside `::` in tokens.
 */
export class ClusterTokens extends pulumi.ComponentResource {
  readonly server: pulumi.Output<string>;
  readonly agent: pulumi.Output<string>;

  constructor(name: string, args: ClusterTokensArgs, opts?: pulumi.ComponentResourceOptions) {
    super(componentType("ClusterTokens"), name, {}, opts);
    const password = (role: string) =>
      new random.RandomPassword(
        `${name}-${role}`,
        { length, special: false },
        { parent: this, protect: args.protect, additionalSecretOutputs: ["result"] },
      );
    this.server = pulumi.secret(password("server").result);
    this.agent = pulumi.secret(password("agent").result);
    this.registerOutputs({ server: this.server, agent: this.agent });
  }
}
