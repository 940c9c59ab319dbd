import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { access, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { command } from "../../lab/machines/command.ts";
import type { Lab } from "../../lab/machines/lab.ts";
import type { Machine } from "../../lab/machines/machine.ts";

/** One instance a run, so that tests never touch a lab that somebody works with. */
export const instance = `test-${process.pid}`;

/** For a suite's `skip`; under CI=true it throws instead, as a test that nobody has seen is no test. */
export function whyNotHere(): string | false {
  if (process.getuid?.() === 0) return false;
  if (process.env.CI === "true") throw new Error("CI=true, and machines need root");
  return "machines need root";
}

export const CHILD = join(import.meta.dirname, "machines-child.ts");

/** A program of its own; `ended` gives its output, and fails when it did (but not when we killed it). */
export function spawnChild([file, ...args]: string[]): { process: ChildProcess; ended: Promise<string> } {
  const child = spawn(file!, args, { stdio: ["ignore", "pipe", "pipe"] });
  const chunks = { out: "", err: "" };
  child.stdout.on("data", (chunk) => {
    chunks.out += chunk;
  });
  child.stderr.on("data", (chunk) => {
    chunks.err += chunk;
  });
  const ended = new Promise<string>((resolve, reject) => {
    child.on("close", (code, signal) =>
      code === 0 || signal === "SIGKILL"
        ? resolve(chunks.out)
        : reject(new Error(`ended with ${code}: ${chunks.err}`)),
    );
  });
  return { process: child, ended };
}

export const addressIn = (lab: Lab, host: number): string => lab.hostAddress.replace(/1$/, String(host));

/** Ended, and only not yet collected by its parent, counts as dead. */
export async function alive(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => ") Z");
  return !stat.slice(stat.lastIndexOf(")")).startsWith(") Z");
}

export async function boot(machine: Machine): Promise<void> {
  await machine.start();
  await machine.waitSsh();
}

export async function output(machine: Machine, text: string): Promise<string> {
  const { code, stdout, stderr } = await machine.exec(text);
  assert.equal(code, 0, `${machine.name}: ${text}: ${stderr}`);
  return stdout.trim();
}

/** Everything on this host that carries the lab's name. */
export async function traces(lab: Lab): Promise<string> {
  const { bridge } = lab.network;
  const links = (await command("ip", ["-o", "link"])).stdout.split("\n");
  const mounts = (await readFile("/proc/self/mountinfo", "utf8")).split("\n");
  const processes = (await command("ps", ["-eo", "args"])).stdout.split("\n");
  const cgroups = (
    await command("sh", [
      "-c",
      `ls -d /sys/fs/cgroup/${bridge} /sys/fs/cgroup/*/${bridge} 2>/dev/null || true`,
    ])
  ).stdout;
  const nspawn = await readdir("/run/systemd/nspawn", { recursive: true }).catch(() => []);
  const directory = await access(lab.directory).then(
    () => [lab.directory],
    () => [],
  );
  const named = (lines: string[]) =>
    lines.filter((line) => new RegExp(`${bridge}\\b|${lab.directory}/`).test(line));
  return [
    ...named(links),
    ...named(mounts),
    ...named(processes),
    ...named(nspawn),
    cgroups.trim(),
    ...directory,
  ]
    .filter(Boolean)
    .join("\n");
}
