import { readdirSync, readFileSync } from "node:fs";
import type { Cluster } from "../../lab/cluster.ts";
import type { Prepared } from "../../lab/prepare.ts";

/** A change of the stack that is interrupted at every step of the node that it works on. */
export interface Operation {
  readonly servers: number;
  readonly agents: number;
  /** Versions that the mirror has; the first is the one that is installed. Default: the lab's. */
  readonly versions?: readonly string[];
  /** The machine whose step is interrupted. */
  readonly victim: string;
  /** The file in node/verbs whose steps they are, without `.sh`. */
  readonly verb: string;
  /** Further files below node/ whose steps the operation comes to. */
  readonly files?: readonly string[];
  /** Steps of these files that this operation does not come to. */
  readonly without?: readonly string[];
  /** Steps behind a `||`, which only some operations come to, that this one does. */
  readonly also?: readonly string[];
  /**
   * Brings machines and stack to where the operation begins. It is done once; every cell begins with the disks and
   * the state that it left. Default: machines that never were in a cluster, and a stack that never ran.
   */
  readonly begin?: (cluster: Cluster, prepared: Prepared) => Promise<void>;
  /** Configures the operation itself. Default: what is configured already. */
  readonly change?: (cluster: Cluster, prepared: Prepared) => Promise<void>;
  /** What must hold afterwards, beside voters and a preview that finds nothing to do. @throws when it does not. */
  readonly check?: (cluster: Cluster) => Promise<void>;
  /** Servers that run while the operation begins, and are waited for. Default: none. */
  readonly living?: readonly string[];
}

/** Begins where everything that is configured has been brought up. */
export const broughtUp = async (cluster: Cluster): Promise<void> => {
  await cluster.operate("up");
};

const directory = new URL("./operations/", import.meta.url);

/** The names of all operations: each is a file. */
export function operationNames(): string[] {
  return readdirSync(directory)
    .map((file) => file.replace(/\.ts$/, ""))
    .sort();
}

export async function operationOf(name: string): Promise<Operation> {
  const module = (await import(new URL(`${name}.ts`, directory).href)) as { operation: Operation };
  return module.operation;
}

/** The steps of an operation, in their order: read from where they are taken, so that none can be forgotten. */
export function stepsOf({
  verb,
  files = [],
  without = [],
  also = [],
}: Pick<Operation, "verb" | "files" | "without" | "also">): string[] {
  const read = (file: string) => readFileSync(new URL(`../../node/${file}`, import.meta.url), "utf8");
  const text = [`verbs/${verb}.sh`, ...files].map(read).join("");
  const steps = [...text.matchAll(/^ +(?:.*(&&|\|\|) )?step (\w+) /gm)];
  const names = steps.filter(([, guard, name]) => guard !== "||" || also.includes(name!));
  return names.map(([, , name]) => name!).filter((name) => !without.includes(name));
}
