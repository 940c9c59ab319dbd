import { setTimeout as sleep } from "node:timers/promises";
import { type Client, killTree, startClient } from "../../lab/client-process.ts";
import type { Cluster } from "../../lab/cluster.ts";
import type { Machine } from "../../lab/machines/machine.ts";
import { votersAre } from "../../lab/proof.ts";
import { membersOf } from "../../measure/etcd.ts";
import { release, stopAt, stopped } from "./stop.ts";

export const causes = ["client killed", "connection cut", "node powered off"] as const;

/** One way to be interrupted. */
export type Cell = {
  step: string;
  moment: "before" | "after";
  cause: (typeof causes)[number];
};

/** A point between the steps of an operation. */
export type Point = Pick<Cell, "step" | "moment">;

/**
 * Before and after each of these steps. Where one ends the next begins, and nothing stands between them, so `after` one
 * and `before` the next are the same point.
 */
export const pointsOf = (steps: readonly string[]): Point[] => [
  ...steps.slice(0, 1).map((step) => ({ step, moment: "before" }) as const),
  ...steps.map((step) => ({ step, moment: "after" }) as const),
];

/** Every way to interrupt these steps. */
export const matrixOf = (steps: readonly string[]): Cell[] =>
  pointsOf(steps).flatMap((point) => causes.map((cause) => ({ ...point, cause })));

/** How a cell went; `error` when one more run did not converge. */
export type Outcome = Cell & { firstSeconds: number; secondSeconds: number; error?: string };

/**
 * Interrupts the work on `victim` at one point and runs `up` once more. The machines are up, and the stack is configured
 * for what is still to be done.
 * @param check throws when something beside voters and a preview without changes is not as it must be
 */
export async function interrupt(
  cluster: Cluster,
  victim: Machine,
  cell: Cell,
  env: Record<string, string>,
  check?: (cluster: Cluster) => Promise<void>,
): Promise<Outcome> {
  const began = Date.now();
  await stopAt(victim, `${cell.moment === "before" ? "begin" : "end"} ${cell.step}`);
  const client = startClient(cluster.lab.instance, env);
  try {
    await stopped(victim, client.ended);
    await happen(cell.cause, victim, client);
  } catch (error) {
    const { output } = await killTree(client).then(() => client.ended);
    throw new Error(`${(error as Error).message}\n${output}`);
  }
  const again = Date.now();
  const outcome = { ...cell, firstSeconds: (again - began) / 1000, secondSeconds: 0 };
  try {
    await cluster.operate("up");
    await converged(cluster);
    await check?.(cluster);
    return { ...outcome, secondSeconds: (Date.now() - again) / 1000 };
  } catch (error) {
    return { ...outcome, secondSeconds: (Date.now() - again) / 1000, error: (error as Error).message };
  }
}

/** Lets one of the causes happen to a step that stands at its point. */
export async function happen(cause: Cell["cause"], victim: Machine, client: Client): Promise<void> {
  switch (cause) {
    case "client killed":
      await killTree(client);
      return release(victim);
    case "connection cut":
      // every SSH session of the machine ends, ours too; the service itself goes on
      await victim.exec("pkill --signal KILL --full '^sshd: '", { timeoutMs: 5_000 }).catch(() => {});
      await release(victim);
      await endsBadly(client);
      return;
    case "node powered off":
      await victim.powerOff();
      await release(victim);
      // nothing tells the client: it would wait for its time-out, and a person does not
      await killTree(client);
      await victim.start();
      await victim.waitSsh();
  }
}

const patienceMs = 60_000;

/** A client whose connection is gone must say so, and soon. */
async function endsBadly(client: Client): Promise<void> {
  const ended = await Promise.race([client.ended, sleep(patienceMs, undefined, { ref: false })]);
  if (!ended) throw new Error(`the client noticed nothing for ${patienceMs / 1000} s`);
  if (ended.code === 0) throw new Error("the client succeeded without a connection");
}

/** @throws unless etcd has exactly the servers as voters and there is nothing left to do. */
export async function converged(cluster: Cluster): Promise<void> {
  const names = cluster.topology.servers.map((server) => server.name);
  for (const name of names) votersAre(await membersOf(cluster.machine(name)), names);
  const { changed, changes } = await cluster.operate("preview");
  if (changed > 0) throw new Error(`a preview still finds ${JSON.stringify(changes)}`);
}
