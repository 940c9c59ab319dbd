import { type ChildProcess, spawn } from "node:child_process";
import { waitFor } from "../measure/wait.ts";
import { descendants, isAlive } from "./processes.ts";

/** A client that runs `up`, with what it said and how it ended. */
export type Client = { child: ChildProcess; ended: Promise<{ code: number | null; output: string }> };

export function startClient(instance: string, env: Record<string, string>): Client {
  const script = new URL("./client.ts", import.meta.url).pathname;
  const child = spawn(process.execPath, [script, instance], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  const keep = (data: Buffer) => {
    output += data;
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  const ended = new Promise<{ code: number | null; output: string }>((resolve) =>
    child.on("close", (code) => resolve({ code, output })),
  );
  return { child, ended };
}

/** Ends a process and all that came from it, at once: the engine, its providers, their connections. */
export async function killTree({ child, ended }: Client): Promise<void> {
  if (child.pid === undefined) return;
  const all = [child.pid, ...descendants(child.pid)];
  for (const pid of all) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {} // it ended in the meantime
  }
  await ended;
  // an engine that is still on its way out would hold the stack's lock
  const gone = async () => {
    for (const pid of all) if (await isAlive(pid)) throw new Error(`process ${pid} lives`);
  };
  await waitFor("the end of the client's processes", gone, { timeoutMs: 10_000, everyMs: 20 });
}
