import type { Board } from "./board.ts";
import type { Lab } from "./machines/lab.ts";
import type { Machine } from "./machines/machine.ts";
import type { LabNode } from "./topology.ts";

/**
 * Makes, starts and waits for the machines of a topology, all at the same time. Those that run are left alone.
 * @param now Milliseconds since the board's beginning.
 * @returns the machines by node name
 */
export async function machinesUp(
  lab: Lab,
  nodes: readonly LabNode[],
  board: Board,
  now: () => number,
): Promise<Map<string, Machine>> {
  const machines = new Map<string, Machine>();
  // made one after another: each one's address must be free
  for (const node of nodes) machines.set(node.name, await lab.machine(node));
  await Promise.all([...machines.values()].map((machine) => powerOn(machine, board, now)));
  return machines;
}

/** For a login to a machine that boots on a busy host; on a quiet one it takes 3 s. */
const patienceMs = 90_000;

async function powerOn(machine: Machine, board: Board, now: () => number): Promise<void> {
  const what = machine.up ? "is up" : "boots";
  board.begin(machine.name, what, now());
  board.say(machine.name, machine.address, now());
  try {
    await machine.start();
    await machine.waitSsh(patienceMs);
    board.end(machine.name, what, now());
  } catch (error) {
    board.end(machine.name, what, now(), true);
    throw error;
  }
}
