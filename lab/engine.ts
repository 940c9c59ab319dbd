import { randomBytes } from "node:crypto";
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  type EngineEvent,
  LocalWorkspace,
  type OpMap,
  type PulumiFn,
  type Stack,
} from "@pulumi/pulumi/automation/index.js";
import { Interrupted } from "./interrupt.ts";
import { prefix } from "./stack-config.ts";
import { removeStaleLocks } from "./stale-lock.ts";

const projectName = "homelab-k3s";
const stackName = "lab";

/** A stack of an instance, with everything of Pulumi's below the instance's directory. */
export type LabStack = { stack: Stack; stateDirectory: string };

/**
 * Where the stack of an instance is kept, for those who only read it.
 * @param env as for {@link openStack}
 */
export async function openPlace(
  directory: string,
  env: Record<string, string>,
): Promise<{ workspace: LocalWorkspace; name: string }> {
  const workspace = await LocalWorkspace.create(await settingsOf(directory, env));
  return { workspace, name: stackName };
}

/**
 * Opens the stack of an instance: work directory, state, plug-ins and the passphrase of its secrets all lie in `directory`.
 * @param env What the toolchain wants in the environment of Pulumi, `PATH` above all.
 */
export async function openStack(
  directory: string,
  env: Record<string, string>,
  program: PulumiFn,
): Promise<LabStack> {
  const settings = await settingsOf(directory, env);
  process.env.HOMELAB_K3S_STEPS = "1"; // the board shows every step of a node
  const stack = await LocalWorkspace.createOrSelectStack({ stackName, projectName, program }, settings);
  return { stack, stateDirectory: join(directory, "state") };
}

/** How Pulumi is called for the stack of an instance; `envVars` is its whole environment. */
export async function settingsOf(directory: string, env: Record<string, string>) {
  const workDir = join(directory, "work");
  for (const name of ["work", "state", "home"]) await mkdir(join(directory, name), { recursive: true });
  const envVars = {
    ...env,
    PULUMI_HOME: join(directory, "home"),
    PULUMI_BACKEND_URL: `file://${join(directory, "state")}`,
    PULUMI_CONFIG_PASSPHRASE: await passphrase(join(directory, "passphrase")),
    PULUMI_SKIP_UPDATE_CHECK: "true",
  };
  // the toolchain's PATH decides which CLI is found
  process.env.PATH = env.PATH ?? process.env.PATH;
  const backend = { url: envVars.PULUMI_BACKEND_URL };
  return { workDir, envVars, projectSettings: { name: projectName, runtime: "nodejs", backend } } as const;
}

async function passphrase(file: string): Promise<string> {
  try {
    return (await readFile(file, "utf8")).trim();
  } catch {
    const secret = randomBytes(24).toString("base64url");
    await writeFile(file, `${secret}\n`, { mode: 0o600 });
    await chmod(file, 0o600);
    return secret;
  }
}

/** The configuration that the stack has now, by full key; empty for a new one. Secrets stay encrypted. */
export async function currentConfig({ stack }: LabStack): Promise<Record<string, unknown>> {
  const settings = await stack.workspace.stackSettings(stackName).catch(() => undefined);
  return (settings?.config ?? {}) as Record<string, unknown>;
}

/**
 * Writes the stack's configuration; the private key is stored encrypted, once: it stays the same as long as the lab does.
 * @param sshPrivateKey undefined when an SSH agent holds it
 * @param secrets Others, by full key.
 */
export async function configure(
  { stack }: LabStack,
  config: Record<string, unknown>,
  sshPrivateKey: string | undefined,
  secrets: Readonly<Record<string, string>> = {},
): Promise<void> {
  const key = `${prefix}sshPrivateKey`;
  const settings = await stack.workspace.stackSettings(stackName).catch(() => ({}));
  const secret = (settings as { config?: Record<string, unknown> }).config?.[key];
  const keep = secret !== undefined && sshPrivateKey !== undefined;
  const all = { ...config, ...(keep && { [key]: secret }) };
  await stack.workspace.saveStackSettings(stackName, { ...settings, config: all as never });
  if (sshPrivateKey !== undefined && !keep)
    await stack.setConfig(key, { value: sshPrivateKey, secret: true });
  for (const [key, value] of Object.entries(secrets)) await stack.setConfig(key, { value, secret: true });
}

/**
 * How an operation of the engine ended. `seconds` end with the engine's last event: afterwards the Automation API asks
 * for outputs and history, which nobody waits for who runs `pulumi up`.
 */
export type Ended = { seconds: number; changes: OpMap; changed: number };

export type Operation = "preview" | "up" | "destroy";

/**
 * Runs an operation of the engine. Locks that killed runs left behind do not stop it.
 * @param signal Cancels it in an orderly way: no new step begins, and the state is written.
 * @throws Interrupted, or an Error with what the engine said.
 */
export async function operate(
  { stack, stateDirectory }: LabStack,
  operation: Operation,
  onEvent: (event: EngineEvent) => void,
  signal: AbortSignal,
): Promise<Ended> {
  const began = performance.now();
  const output: string[] = [];
  const problems: string[] = [];
  let changes: OpMap = {};
  let seconds = Number.NaN;
  const cancel = new AbortController();
  const onAbort = () => void forward(output, cancel);
  signal.addEventListener("abort", onAbort, { once: true });
  const onOutput = (text: string) => void output.push(text);
  const options = {
    color: "never" as const,
    onOutput,
    onError: onOutput,
    signal: cancel.signal,
    onEvent(event: EngineEvent) {
      const { diagnosticEvent, summaryEvent, cancelEvent } = event;
      if (diagnosticEvent?.severity === "error") problems.push(diagnosticEvent.message.trim());
      if (summaryEvent) changes = summaryEvent.resourceChanges;
      // the engine's word for the end of its events, whether or not anybody cancelled
      if (cancelEvent) seconds = (performance.now() - began) / 1000;
      onEvent(event);
    },
  };
  try {
    if (signal.aborted) throw new Interrupted();
    await removeStaleLocks(stateDirectory);
    if (operation === "preview") await stack.preview(options);
    else if (operation === "up") await stack.up(options);
    else await stack.destroy(options);
  } catch (error) {
    if (signal.aborted) throw new Interrupted();
    throw new Error(problems.length > 0 ? problems.join("\n") : (error as Error).message);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
  if (operation === "up" && emptied(changes))
    throw new Error(
      `up: found ${changes.delete} resources deleted and none kept: the program registered nothing. ` +
        "The engine and the program lost each other; run it again",
    );
  return { seconds, changes, changed: changedIn(changes) };
}

/**
 * Whether a successful `up` left nothing but the stack itself. Under heavy load an inline program can lose the engine,
 * which then takes the silence for an empty program, and deletes everything that is not protected.
 */
export function emptied(changes: OpMap): boolean {
  const { delete: deleted = 0, same = 0, create = 0, update = 0, replace = 0 } = changes;
  return deleted > 0 && same + create + update + replace <= 1;
}

/** How many resources an operation created, updated, replaced or deleted. */
export function changedIn(changes: OpMap): number {
  return Object.entries(changes)
    .filter(([op]) => op !== "same" && op !== "read")
    .reduce((sum, [, count]) => sum + (count ?? 0), 0);
}

/**
 * A terminal sends Ctrl-C to the engine as well, and a second one would end it at once, with a state that is behind.
 * So it is passed on only when the engine does not say by itself that it stops.
 */
async function forward(output: string[], cancel: AbortController): Promise<void> {
  await sleep(500);
  if (!output.join("").includes("cancelling")) cancel.abort();
}
