import type { PolicyResource } from "@pulumi/policy";

/** How policies recognise this program's resources: by what they do, not by how they are named. */

export const remoteCommand = "command:remote:Command";
export const copyToRemote = "command:remote:CopyToRemote";

/** What both kinds of policy know of a resource. */
export interface Subject {
  readonly type: string;
  readonly props: Readonly<Record<string, unknown>>;
}

/** The command lines of a resource, by the property they stand in. */
export function commandsOf({ props }: Subject): readonly (readonly [property: string, line: string])[] {
  return ["create", "update", "delete"].flatMap((property) => {
    const line = props[property];
    return typeof line === "string" ? [[property, line] as const] : [];
  });
}

/** The verb of a step on a node, or undefined for other resources. Unknown while a preview cannot tell. */
export function verbOf(subject: Subject): string | undefined {
  if (subject.type !== remoteCommand) return undefined;
  const line = commandsOf(subject).find(([property]) => property === "create")?.[1];
  return /k3s-node ([a-z-]+)/.exec(line ?? "")?.[1];
}

export const isServer = (subject: Subject): boolean => verbOf(subject) === "server";

/** Whether it puts k3s on a node. */
export const installs = (subject: Subject): boolean => ["server", "agent"].includes(verbOf(subject) ?? "");

/** Whether its machine was declared lost: it stands in the state as it was, and nothing runs there any more. */
export const isLost = ({ opts }: Pick<PolicyResource, "opts">): boolean => opts.ignoreChanges.includes("*");

/** The value of a flag on a resource's first command line, or among the details on its standard input. */
export function flagOf(subject: Subject, flag: string): string | undefined {
  const pattern = new RegExp(`(?:^| )--${flag} (\\S+)`, "m");
  const line = commandsOf(subject)[0]?.[1] ?? "";
  // in this order: in a preview a command is known, and standard input may not be
  return (pattern.exec(line) ?? pattern.exec(detailsOf(subject)))?.[1];
}

const detailsOf = ({ props }: Subject): string => String(props.stdin ?? "").split(/^---$/m)[0]!;

/** Whether a preview cannot tell yet what a step is given on standard input. */
export const detailsUnknown = ({ props }: Subject): boolean => props.stdin === undefined;

/** A nested mapping of the inputs; empty when there is none. */
export function mapping(value: unknown): Readonly<Record<string, unknown>> {
  return value !== null && typeof value === "object" ? (value as Record<string, unknown>) : {};
}
