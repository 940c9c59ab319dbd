import { Board } from "../../lab/board.ts";
import { type Cluster, openCluster, startOver } from "../../lab/cluster.ts";
import type { Prepared } from "../../lab/prepare.ts";
import { membersOf } from "../../measure/etcd.ts";
import { waitFor } from "../../measure/wait.ts";
import { keep } from "./checkpoint.ts";
import type { Operation } from "./operation.ts";

/** Brings the lab to where the operation begins, and gives the way back to there. */
export async function beginning(prepared: Prepared, operation: Operation): Promise<() => Promise<void>> {
  if (!operation.begin) return () => startOver(prepared);
  const cluster = await openCluster(prepared, new Board(), () => 0);
  await cluster.configure({});
  await operation.begin(cluster, prepared);
  for (const machine of await prepared.lab.machines()) await machine.powerOff();
  return keep(prepared.lab);
}

/** Opens the stack where an operation begins. */
export async function open(prepared: Prepared, { living = [] }: Operation): Promise<Cluster> {
  const cluster = await openCluster(prepared, new Board(), () => 0);
  await cluster.configure({});
  const answer = () => Promise.all(living.map((name) => membersOf(cluster.machine(name))));
  await waitFor("the living servers", answer, { timeoutMs: 60_000 });
  return cluster;
}
