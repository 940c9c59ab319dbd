import { z } from "zod";
import { remoteEntry } from "./scripts.ts";

/** A flag and its value; null for a flag that stands alone. */
export type Flag = readonly [name: string, value: string | number | null];

/** The flags of a verb, as a process on this machine is told them. */
export const flagList = z.array(
  z.tuple([z.string(), z.union([z.string(), z.number(), z.null()])]).readonly(),
);

/**
 * Values came through the schema's grammars; this is the second lock on the same door. A comma separates lists, and
 * nothing here means anything to a shell.
 */
const safe = /^[A-Za-z0-9./][A-Za-z0-9@%+=:,./_~-]*$/;

/** Who runs the scripts: root needs no sudo, which minimal systems lack; anybody else needs it without a password. */
const asRoot = (user: string) => (user === "root" ? "bash" : "sudo -n bash");

/**
 * Flags that say how a step does its work, not what it does and for whom. They are most of its text, and the provider
 * puts the whole command before the reason why it failed: so these come over standard input.
 */
const details: ReadonlySet<string> = new Set([
  ...[
    "address",
    "deadline",
    "drain-deadline",
    "join",
    "label",
    "mirror",
    "node",
    "peer",
    "scripts",
    "steps",
    "taint",
  ],
  ...["agent", "server", "sha256-amd64", "sha256-arm64", "upload"],
]);

/**
 * The command of a step on a node whose details come over standard input (`detailLines`): what a person must know to
 * tell it from the others, free of secrets.
 * @throws Error as `nodeCommand` does
 */
export function stepCommand(user: string, verb: string, flags: readonly Flag[]): string {
  const shown = flags.filter(([name]) => !details.has(name));
  return [asRoot(user), remoteEntry, verb, ...wordsOf(verb, shown), "-"].join(" ");
}

/** What such a step reads before anything else: its other flags, one a line, up to a line `---`. */
export function detailLines(verb: string, flags: readonly Flag[]): string {
  const told = flags.filter(([name]) => details.has(name));
  return [...told.map((flag) => wordsOf(verb, [flag]).join(" ")), "---", ""].join("\n");
}

/**
 * The whole command line of a verb on a node, for who may not have what it reads: short enough, free of secrets.
 * @param scripts content hash of the scripts that it must find there; undefined takes those that are there
 * @throws Error when a value could be read as an option or by a shell; that is a defect of the schema.
 */
export function nodeCommand(
  user: string,
  verb: string,
  scripts: string | undefined,
  flags: readonly Flag[],
): string {
  const expected = scripts === undefined ? [] : ["--scripts", scripts];
  return [asRoot(user), remoteEntry, verb, ...expected, ...wordsOf(verb, flags)].join(" ");
}

function wordsOf(verb: string, flags: readonly Flag[]): string[] {
  return flags.flatMap(([name, value]) => {
    if (value === null) return [`--${name}`];
    if (!safe.test(String(value))) {
      throw new Error(`--${name} of ${verb} has a value that must not reach a command line`);
    }
    return [`--${name}`, String(value)];
  });
}

/**
 * The command line of a script that comes over standard input and is read as a whole before it begins. It leaves
 * nothing on the node, its text is in no list of processes, and it ends there after its time even when the connection
 * is cut. Without `--norc` bash reads root's own settings when its standard input is a socket.
 * @param seconds after which the node ends it
 * @param step the arguments of the script, where it is `k3s-node`
 * @param bytes of the script, where it reads what comes after it; undefined where nothing does
 * @throws Error as `nodeCommand` does
 */
export function scriptCommand(user: string, seconds: number, step?: Step, bytes?: number): string {
  const sudo = user === "root" ? "" : "sudo -n ";
  const words = step ? ["k3s-node", step.verb, ...wordsOf(step.verb, step.flags)] : [];
  const read = bytes === undefined ? "cat" : `head -c ${bytes}`;
  return [`${sudo}timeout -k 5 ${seconds} bash --norc -c 'eval "$(${read})"'`, ...words].join(" ");
}

/** A verb of `k3s-node` with its flags. */
export interface Step {
  readonly verb: string;
  readonly flags: readonly Flag[];
}

/**
 * The same command with the state of the configuration that it looked at. A step that only reads is run again when
 * its inputs change; the shell sees a comment.
 */
export function forChange(command: string, change: string): string {
  return `${command} # for ${change}`;
}
