import { z } from "zod";
import type { Problem } from "./problems.ts";
import type { Checksums } from "./releases.ts";
import { isOlder, upgradeProblem } from "./version.ts";

/** What `inspect` reports of a node, as far as decisions rest on it. Other fields may be there. */
export const nodeFacts = z.object({
  node: z.string().max(63),
  arch: z.enum(["amd64", "arm64"]),
  machineId: z
    .string()
    .regex(/^[0-9a-f]{32}$/)
    .nullable(),
  /** null in a container and on boards that have none. */
  productUuid: z.string().max(64).nullable(),
  /** What runs there now. */
  role: z.enum(["server", "agent", "none"]),
  version: z.string().max(64).nullable(),
  /** How far it came with the restore that the stack has, `done` at the end; absent where the stack has none. */
  restore: z.string().max(16).nullable().optional(),
});

export type NodeFacts = z.output<typeof nodeFacts>;

/** What the machines are measured against before the first of them is changed. */
export interface Wish {
  readonly version: string;
  readonly checksums: Checksums;
}

function clones(facts: readonly NodeFacts[], field: "machineId" | "productUuid", next: string): Problem[] {
  const seen = new Map<string, string>();
  return facts.flatMap((fact) => {
    const value = fact[field];
    if (value === null) return [];
    const earlier = seen.get(value);
    seen.set(value, earlier ?? fact.node);
    if (earlier === undefined) return [];
    return [
      { path: fact.node, found: `${field} ${value}, the same as on ${earlier}`, wanted: "its own", next },
    ];
  });
}

/** A node that is still to be restored may go back to the version of its snapshot: nothing of today's is kept. */
const goesBack = ({ version, restore }: NodeFacts, wanted: string): boolean =>
  restore !== undefined && restore !== "done" && isOlder(wanted, version ?? wanted);

function versionProblems(facts: readonly NodeFacts[], version: string): Problem[] {
  return facts.flatMap((fact) => {
    const problem = fact.version === null ? undefined : upgradeProblem(fact.version, version);
    if (!problem || goesBack(fact, version)) return [];
    return [{ path: fact.node, found: `k3s ${fact.version} there and ${version} in the stack`, ...problem }];
  });
}

function checksumProblems(facts: readonly NodeFacts[], wish: Wish): Problem[] {
  return facts
    .filter((fact) => wish.checksums[fact.arch] === undefined)
    .map((fact) => ({
      path: fact.node,
      found: `${fact.arch}, for which no checksum of ${wish.version} is known`,
      wanted: `checksums.${fact.arch}`,
      next: "Add it to the stack.",
    }));
}

/** Whether the cluster lives already: then agents wait for all servers, whose newer version they must not overtake. */
export function serverRuns(facts: readonly NodeFacts[]): boolean {
  return facts.some((fact) => fact.role === "server");
}

/** Everything that forbids to start, seen over all nodes. Pure. */
export function factProblems(facts: readonly NodeFacts[], wish: Wish): Problem[] {
  return [
    ...clones(
      facts,
      "machineId",
      "It was cloned: empty /etc/machine-id there and run systemd-machine-id-setup.",
    ),
    ...clones(
      facts,
      "productUuid",
      "Two entries are one machine, or a virtual machine was cloned with its UUID.",
    ),
    ...versionProblems(facts, wish.version),
    ...checksumProblems(facts, wish),
  ];
}
