import { spawn } from "node:child_process";
import { delimiter } from "node:path";

/** Where commands are looked for: a service's or cron's PATH may lack the directories of `ip` and `mount`. */
export const commandPath = [process.env.PATH ?? "", "/usr/sbin", "/sbin", "/usr/bin", "/bin"].join(delimiter);

/** What a command that ran to its end gave back. */
export interface CommandResult {
  code: number;
  stdout: string;
  stderr: string;
}

export interface CommandOptions {
  /** Called with every line of stdout and stderr as it comes. */
  onLine?: (line: string) => void;
  /** Added to the environment of this process. */
  env?: Readonly<Record<string, string>>;
  /** Do not throw on an exit code other than 0. */
  allowFailure?: boolean;
}

/**
 * Runs a command of the host without a shell.
 * @throws when it cannot be started, or ends with another code than 0 (with the end of its output), unless `allowFailure`.
 */
export function command(file: string, args: string[], options: CommandOptions = {}): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, PATH: commandPath, LC_ALL: "C", ...options.env };
    const child = spawn(file, args, { stdio: ["ignore", "pipe", "pipe"], env });
    const output = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"] as const) {
      let rest = "";
      child[name].setEncoding("utf8").on("data", (chunk: string) => {
        output[name] += chunk;
        if (options.onLine === undefined) return;
        const lines = (rest + chunk).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) options.onLine(line);
      });
    }
    child.on("error", (error) => reject(new Error(`${file}: cannot be started: ${error.message}`)));
    child.on("close", (code, signal) => {
      const result = { code: code ?? -1, ...output };
      if (code === 0 || (options.allowFailure && signal === null)) return resolve(result);
      const tail = (output.stderr.trim() || output.stdout.trim()).split("\n").slice(-8).join("\n");
      reject(new Error(`${[file, ...args].join(" ")}: ended with ${signal ?? `code ${code}`}\n${tail}`));
    });
  });
}
