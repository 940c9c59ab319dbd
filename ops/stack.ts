import { join } from "node:path";
import { LocalWorkspace, type OutputMap, type Workspace } from "@pulumi/pulumi/automation/index.js";
import { z } from "zod";
import type { Login } from "../components/connection.ts";
import { projectRoot } from "../components/scripts.ts";
import { readStack as readConfiguration } from "../config/load.ts";
import { ProblemsError } from "../config/problems.ts";
import type { ClusterConfig } from "../config/schema.ts";

/** Which stack a command is about. */
export interface StackChoice {
  /** Default: the one that is selected in this project. */
  readonly stack?: string;
  /** An instance of the lab, instead of a stack of this project. */
  readonly lab?: string;
}

const outputs = z.object({ endpoint: z.url(), kubeconfig: z.string() });

/** What a stack puts out, as far as the commands need it. `kubeconfig` is a secret. */
export type StackOutputs = z.output<typeof outputs>;

/**
 * Reads a stack's outputs, with the pulumi that is on PATH.
 * @throws Error when there is no such stack, or it was never brought up
 */
export async function readStack(choice: StackChoice): Promise<StackOutputs> {
  const { workspace, name } = await open(choice);
  const found: OutputMap = await workspace.stackOutputs(name);
  const values = Object.fromEntries(
    Object.entries(found).map(([output, { value }]) => [output, value as unknown]),
  );
  const parsed = outputs.safeParse(values);
  if (parsed.success) return parsed.data;
  const missing = [...new Set(parsed.error.issues.map(({ path }) => path.join(".")))].join(", ");
  throw new Error(`the stack's outputs: ${missing} missing or malformed. Run \`pulumi up\` first`);
}

/** The name of the stack that is meant. @throws Error when none is selected */
export async function stackName(choice: StackChoice): Promise<string> {
  return (await open(choice)).name;
}

/** What a stack's configuration says, with what opens its machines. */
export interface StackMachines {
  readonly config: ClusterConfig;
  /** Secret. */
  readonly login: Login;
}

/** The project's name, which is the prefix of its keys. */
const project = "homelab-k3s";

/**
 * Reads a stack's configuration, secrets included, with the pulumi that is on PATH.
 * @throws Error when there is no such stack; ProblemsError when `pulumi up` would refuse what it says
 */
export async function readMachines(choice: StackChoice): Promise<StackMachines> {
  const { workspace, name } = await open(choice);
  const all = await workspace.getAllConfig(name);
  const values = Object.fromEntries(Object.entries(all).map(([key, { value }]) => [key, value]));
  const { config, problems } = readConfiguration(project, {
    values,
    isSecret: (key) => all[key]?.secret === true,
  });
  if (!config || problems.length > 0) throw new ProblemsError(`The configuration of stack ${name}`, problems);
  const login = {
    privateKey: values[`${project}:sshPrivateKey`],
    passphrase: values[`${project}:sshPrivateKeyPassphrase`],
  };
  return { config, login };
}

/** Where a stack is kept, and its name there. */
interface Place {
  readonly workspace: Workspace;
  readonly name: string;
}

const open = ({ stack, lab }: StackChoice): Promise<Place> =>
  lab === undefined ? ownStack(stack) : labStack(lab);

async function ownStack(wanted: string | undefined): Promise<Place> {
  const workspace = await LocalWorkspace.create({ workDir: projectRoot });
  const name = wanted ?? (await workspace.stack())?.name;
  if (name === undefined)
    throw new Error("no stack is selected here. Run `pulumi stack select NAME`, or give --stack NAME");
  return { workspace, name };
}

/** Only the lab knows where its stack and its pulumi are; who has no lab need not load it. */
async function labStack(instance: string): Promise<Place> {
  const [{ openPlace }, { pulumiEnv }, { labDir, pulumiDirectory }, { ensureToolchain }, { Lab }] =
    await Promise.all([
      import("../lab/engine.ts"),
      import("../lab/prepare.ts"),
      import("../lab/paths.ts"),
      import("../lab/toolchain/toolchain.ts"),
      import("../lab/machines/lab.ts"),
    ]);
  const all = await Lab.list();
  if (!all.includes(instance))
    throw new Error(
      `--lab ${instance}: found ${all.join(", ") || "no lab"}. Make it with \`npm start -- --instance ${instance}\``,
    );
  const toolchain = await ensureToolchain({ onProgress: () => {} });
  return openPlace(join(labDir(instance), pulumiDirectory), pulumiEnv(toolchain));
}
