import { remoteEntry } from "./scripts.ts";

/** A flag and its value; null for a flag that stands alone. */
export type Flag = readonly [name: string, value: string | number | null];

/**
 * Values came through the schema's grammars; this is the second lock on the same door. A comma separates lists, and
 * nothing here means anything to a shell.
 */
const safe = /^[A-Za-z0-9./][A-Za-z0-9@%+=:,./_~-]*$/;

/** Who runs the scripts: root needs no sudo, which minimal systems lack; anybody else needs it without a password. */
const asRoot = (user: string) => (user === "root" ? "bash" : "sudo -n bash");

/**
 * The command line of one step on a node: short, readable in an error, free of secrets.
 * @param scripts content hash of the scripts that it must find there; undefined takes those that are there
 * @throws Error when a value could be read as an option or by a shell; that is a defect of the schema.
 */
export function nodeCommand(
  user: string,
  verb: string,
  scripts: string | undefined,
  flags: readonly Flag[],
): string {
  const words = flags.flatMap(([name, value]) => {
    if (value === null) return [`--${name}`];
    if (!safe.test(String(value))) {
      throw new Error(`--${name} of ${verb} has a value that must not reach a command line`);
    }
    return [`--${name}`, String(value)];
  });
  const expected = scripts === undefined ? [] : ["--scripts", scripts];
  return [asRoot(user), remoteEntry, verb, ...expected, ...words].join(" ");
}

/**
 * The same command with the state of the configuration that it looked at. A step that only reads is run again when
 * its inputs change; the shell sees a comment.
 */
export function forChange(command: string, change: string): string {
  return `${command} # for ${change}`;
}
