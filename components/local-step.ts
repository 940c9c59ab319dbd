import { local } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { forChange } from "./command-line.ts";
import { projectRoot } from "./scripts.ts";

export interface LocalStepArgs {
  /** A script of this project and its arguments. */
  readonly script: string;
  /** Standard input. */
  readonly stdin: pulumi.Input<string>;
  /** What it looks at, so that it looks again when that has changed. */
  readonly change: string;
  /** Seconds that Pulumi allows. */
  readonly deadline: number;
  /** Whether input and output are secret. */
  readonly secret: boolean;
  /** The argument with which it is run when the resource goes, where what it made must go too. */
  readonly remove?: string;
}

/** In a file of its own: the provider puts the whole command before the reason why it failed. */
const run = "sh components/run.sh";

/**
 * A script on the machine where Pulumi runs. It only reads, or does what is done already only once: running it again is
 * harmless. Without `remove`, what it made stays when the resource goes.
 */
export class LocalStep extends local.Command {
  constructor(name: string, args: LocalStepArgs, opts: pulumi.CustomResourceOptions) {
    const command = forChange(`${run} ${args.script}`, args.change);
    const timeout = `${args.deadline}s`;
    super(
      name,
      {
        create: command,
        update: command,
        ...(args.remove && { delete: `${run} ${args.script} ${args.remove}` }),
        dir: projectRoot,
        stdin: args.secret ? pulumi.secret(args.stdin) : args.stdin,
        logging: local.Logging.Stderr,
        addPreviousOutputInEnv: false,
      },
      {
        ...opts,
        customTimeouts: { create: timeout, update: timeout, ...(args.remove && { delete: timeout }) },
        ...(args.remove && { deleteBeforeReplace: true }),
        ...(args.secret && { additionalSecretOutputs: ["stdout", "stderr"] }),
      },
    );
  }
}
