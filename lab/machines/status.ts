import { readFile } from "node:fs/promises";
import type { Machine } from "./machine.ts";
import type { LabNetwork } from "./network.ts";

export interface MachineStatus {
  name: string;
  address: string;
  up: boolean;
  /** The host's process that is process 1 of the machine, and since when it runs (ISO 8601); only when up. */
  pid?: number;
  since?: string;
  diskBytes: number;
  memoryBytes: number;
}

export interface LabStatus {
  instance: string;
  directory: string;
  network: LabNetwork;
  createdAt: string;
  machines: MachineStatus[];
}

export async function machineStatus(machine: Machine): Promise<MachineStatus> {
  const { name, address, up, pid } = machine;
  const [diskBytes, memoryBytes] = await Promise.all([machine.diskBytes(), machine.memoryBytes()]);
  const since = pid === undefined ? undefined : await startOf(pid);
  return { name, address, up, ...(pid && { pid }), ...(since && { since }), diskBytes, memoryBytes };
}

/** Ticks of /proc/PID/stat a second: USER_HZ, 100 on every architecture Node runs on. */
const USER_HZ = 100;

async function startOf(pid: number): Promise<string | undefined> {
  const [stat, kernel] = await Promise.all([
    readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined),
    readFile("/proc/stat", "utf8"),
  ]);
  const boot = /^btime (\d+)$/m.exec(kernel)?.[1];
  if (stat === undefined || boot === undefined) return undefined;
  // Fields from the third on follow the last parenthesis; the start is field 22.
  const ticks = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  return new Date((Number(boot) + Number(ticks) / USER_HZ) * 1000).toISOString();
}
