import { join } from "node:path";
import { LocalWorkspace, type OutputMap } from "@pulumi/pulumi/automation/index.js";
import { z } from "zod";
import { projectRoot } from "../components/scripts.ts";

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
  const found = choice.lab === undefined ? await ownOutputs(choice.stack) : await labOutputs(choice.lab);
  const values = Object.fromEntries(
    Object.entries(found).map(([name, { value }]) => [name, value as unknown]),
  );
  const parsed = outputs.safeParse(values);
  if (parsed.success) return parsed.data;
  const missing = [...new Set(parsed.error.issues.map(({ path }) => path.join(".")))].join(", ");
  throw new Error(`the stack's outputs: ${missing} missing or malformed. Run \`pulumi up\` first`);
}

async function ownOutputs(wanted: string | undefined): Promise<OutputMap> {
  const workspace = await LocalWorkspace.create({ workDir: projectRoot });
  const name = wanted ?? (await workspace.stack())?.name;
  if (name === undefined)
    throw new Error("no stack is selected here. Run `pulumi stack select NAME`, or give --stack NAME");
  return workspace.stackOutputs(name);
}

/** Only the lab knows where its stack and its pulumi are; who has no lab need not load it. */
async function labOutputs(instance: string): Promise<OutputMap> {
  const [{ openStack }, { pulumiDirectory }, { pulumiEnv }, { labDir }, { ensureToolchain }, { Lab }] =
    await Promise.all([
      import("../lab/engine.ts"),
      import("../lab/cluster.ts"),
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
  const { stack } = await openStack(
    join(labDir(instance), pulumiDirectory),
    pulumiEnv(toolchain),
    async () => {},
  );
  return stack.outputs();
}
