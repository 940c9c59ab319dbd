import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import type { Cluster } from "../../lab/cluster.ts";
import { diagnose } from "../../ops/doctor/diagnose.ts";
import type { Finding } from "../../ops/doctor/finding.ts";
import { look } from "../../ops/doctor/look.ts";
import { Remote } from "../../ops/remote.ts";

/** What `doctor` finds, looked at from this process. */
export async function findingsOf(cluster: Cluster): Promise<Finding[]> {
  const remote = new Remote(cluster.config, { privateKey: cluster.lab.privateKey });
  try {
    return diagnose(await look(remote, () => {}));
  } finally {
    await remote.close();
  }
}

/** A run of the operator's command. */
export interface OpsRun {
  readonly child: ChildProcess;
  readonly ended: Promise<{ code: number | null; stdout: string; stderr: string }>;
}

/** The command as an operator runs it. */
export function startOps(instance: string, args: readonly string[]): OpsRun {
  const script = new URL("../../ops/main.ts", import.meta.url).pathname;
  const child = spawn(process.execPath, [script, "--lab", instance, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const said = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => (said.stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (said.stderr += text));
  const ended = new Promise<Awaited<OpsRun["ended"]>>((resolve) =>
    child.on("close", (code) => resolve({ code, ...said })),
  );
  return { child, ended };
}

/** Runs it to its end, and gives what it found. @throws when it fails */
export async function opsResult<T>(instance: string, args: readonly string[]): Promise<T> {
  const { code, stdout, stderr } = await startOps(instance, ["--json", ...args]).ended;
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout) as T;
}
