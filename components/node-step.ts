import { remote } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { detailLines, type Flag, forChange, nodeCommand, stepCommand } from "./command-line.ts";
import type { Connection } from "./connection.ts";

/** The way to a node whose scripts are in place. */
export interface NodeAccess {
  readonly name: string;
  /** Login name. */
  readonly user: string;
  readonly connection: Connection;
  /** Content hash of the scripts that were copied there. */
  readonly scripts: string;
}

export interface NodeStepArgs {
  readonly verb: string;
  readonly flags: pulumi.Input<readonly Flag[]>;
  /** Flags of the very first run only, never of an update. */
  readonly createFlags?: readonly Flag[];
  /** Verb and flags of an update, where they are not those of the first run. */
  readonly update?: { readonly verb: string; readonly flags: pulumi.Input<readonly Flag[]> };
  /** Verb and flags of the way back, where there is one. */
  readonly remove?: { readonly verb: string; readonly flags: readonly Flag[] };
  /** What it reads on standard input after its details. Secrets travel here and nowhere else. */
  readonly stdin?: pulumi.Input<string>;
  /** What a reading step looks at, so that it looks again when that has changed. */
  readonly change?: string;
  /** The script's own bound in seconds; Pulumi waits a little longer, so that the script can undo and explain. */
  readonly deadline: number;
}

/** Seconds that Pulumi allows for connecting and for undoing beyond a script's own bound; a restart with the old files is given 180. */
const grace = 300;

/**
 * The lab watches every step of a node; who runs `pulumi up` is told what matters, and finds the rest in the node's log.
 * It is an input like the others: set for all runs of a stack, or for none.
 */
const watched = (): readonly Flag[] => (process.env.HOMELAB_K3S_STEPS ? [["steps", null]] : []);

/** An error of `read`, as Pulumi shows it to a person: of any other it prints where in the program it was thrown. */
export function forPerson<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new pulumi.RunError((error as Error).message);
  }
}

/**
 * One step on one node. `update` is always given, since a changed input would otherwise run `create` again. Output
 * is secret and only standard error is logged: the provider does not carry the secrecy of inputs over to outputs.
 * Nothing triggers a replacement, and where there is a way back it is walked before the new way is.
 */
export class NodeStep extends remote.Command {
  constructor(name: string, access: NodeAccess, args: NodeStepArgs, opts: pulumi.CustomResourceOptions) {
    const line = (verb: string, input: pulumi.Input<readonly Flag[]>, first: readonly Flag[] = []) =>
      pulumi.output(input).apply((flags) => {
        const command = stepCommand(access.user, verb, [...first, ...flags]);
        return args.change ? forChange(command, args.change) : command;
      });
    const own = args.stdin ?? "";
    const stdin = pulumi
      .all([args.flags, own])
      .apply(
        ([flags, rest]) =>
          detailLines(args.verb, [...flags, ...watched(), ["scripts", access.scripts]]) + rest,
      );
    const timeout = `${args.deadline + grace}s`;
    const update = args.update ?? { verb: args.verb, flags: args.flags };
    // Recorded now and run some day, when the node may have newer scripts: it takes those that are there then.
    const { remove } = args;
    super(
      name,
      {
        connection: access.connection,
        create: line(args.verb, args.flags, args.createFlags),
        update: line(update.verb, update.flags),
        ...(remove && { delete: nodeCommand(access.user, remove.verb, undefined, remove.flags) }),
        stdin: args.stdin === undefined ? stdin : pulumi.secret(stdin),
        logging: remote.Logging.Stderr,
        addPreviousOutputInEnv: false,
      },
      {
        ...opts,
        additionalSecretOutputs: ["stdout", "stderr"],
        customTimeouts: { create: timeout, update: timeout, delete: timeout },
        ...(remove && { deleteBeforeReplace: true }),
      },
    );
  }

  /** What the node answered, as `read` understands it. Secret. */
  answer<T>(read: (stdout: string) => T): pulumi.Output<T> {
    return this.stdout.apply((stdout) => forPerson(() => read(stdout))) as pulumi.Output<T>;
  }
}
