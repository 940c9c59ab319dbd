import { spawn } from "node:child_process";
import { cp, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { projectRoot } from "../../components/scripts.ts";
import { settingsOf } from "../../lab/engine.ts";
import { type CommandResult, command } from "../../lab/machines/command.ts";
import { pulumiDirectory } from "../../lab/paths.ts";
import type { Rehearsal } from "./support.ts";

/** A lab's stack in a checkout that knows of no lab, as an operator has it. */
export interface OwnStack {
  /**
   * The operator's command at a terminal, where `typed` is what a person answers when asked for something.
   * @returns what was on the screen
   */
  ops(args: readonly string[], typed: string): Promise<{ code: number | null; screen: string }>;
  /** Pulumi's CLI, which runs the program through its language host. */
  pulumi(args: readonly string[]): Promise<CommandResult>;
  end(): Promise<void>;
}

const leftOut = new Set([".git", "node_modules"]);

/** A copy of this checkout, with the settings of the lab's stack and the way to its state. */
export async function ownStack({ cluster, prepared }: Rehearsal): Promise<OwnStack> {
  const checkout = await mkdtemp(join(tmpdir(), "own-stack-"));
  await cp(projectRoot, checkout, { recursive: true, filter: (path) => !leftOut.has(basename(path)) });
  await symlink(join(projectRoot, "node_modules"), join(checkout, "node_modules"));
  const kept = join(cluster.lab.directory, pulumiDirectory);
  await cp(join(kept, "work", "Pulumi.lab.yaml"), join(checkout, "Pulumi.lab.yaml"));
  const env = { ...process.env, ...(await settingsOf(kept, prepared.env)).envVars };
  const ops = (args: readonly string[], typed: string) => {
    const line = [process.execPath, "ops/main.ts", "--stack", "lab", ...args].join(" ");
    return atTerminal(line, { cwd: checkout, env }, typed);
  };
  const pulumi = (args: readonly string[]) =>
    command("pulumi", ["--cwd", checkout, "--non-interactive", ...args], {
      env: env as Record<string, string>,
      allowFailure: true,
    });
  return { ops, pulumi, end: () => rm(checkout, { recursive: true, force: true }) };
}

/** Runs a command at a terminal of its own, and types an answer once there is a question. */
function atTerminal(
  command: string,
  options: { cwd: string; env: NodeJS.ProcessEnv },
  typed: string,
): Promise<{ code: number | null; screen: string }> {
  const child = spawn("script", ["--quiet", "--return", "--command", command, "/dev/null"], {
    ...options,
    stdio: ["pipe", "pipe", "inherit"],
  });
  let screen = "";
  let answered = false;
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    screen += text;
    if (answered || !screen.includes("to go on: ")) return;
    answered = true;
    child.stdin.write(`${typed}\n`);
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, screen: screen.replaceAll("\r", "") }));
  });
}
