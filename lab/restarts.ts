import { setTimeout as sleep } from "node:timers/promises";
import { membersOf } from "../measure/etcd.ts";
import type { Access } from "../measure/kube.ts";
import { waitFor } from "../measure/wait.ts";
import type { Cluster } from "./cluster.ts";
import { heal } from "./failover.ts";
import type { Machine } from "./machines/machine.ts";
import { votersAre } from "./proof.ts";

/** Longer than any restart of a healthy k3s, pods and all. */
const restartMs = 120_000;
/** A k3s that ends right after it was ready does so within seconds. */
const settledMs = 6_000;

/**
 * Restarts k3s on every server twice, one server after another, and then takes the power of the one that leads etcd.
 * After any operation all must come back: what an operation leaves may keep k3s from its next start but one.
 * @throws at the first server that does not come back as a voter
 */
export async function everyServerReturns(
  cluster: Cluster,
  access: Access,
  signal = new AbortController().signal,
): Promise<void> {
  // those that vote now: an agent may have become a server, and a server an agent
  const voters = await membersOf(cluster.machine(cluster.topology.servers[0]!.name));
  const servers = voters.map(({ name }) => cluster.machine(name));
  for (const server of servers) {
    for (const time of ["first", "second"] as const) await restart(server, servers, time);
  }
  if (servers.length < 3) return;
  const leader = (await membersOf(servers[0]!)).find((member) => member.leader)!.name;
  const victim = cluster.machine(leader);
  await victim.powerOff();
  await heal(victim, victim.address, servers.length, access, signal);
}

async function restart(server: Machine, all: readonly Machine[], time: string): Promise<void> {
  const names = all.map(({ name }) => name);
  await server.exec("systemctl restart --no-block k3s");
  await sleep(settledMs);
  await waitFor(
    `${server.name} votes again after its ${time} restart`,
    async () => {
      const { stdout } = await server.exec("systemctl show k3s --property=ActiveState,NRestarts");
      if (!/ActiveState=active/.test(stdout)) throw new Error(stdout.trim().replaceAll("\n", ", "));
      votersAre(await membersOf(server), names);
    },
    { timeoutMs: restartMs },
  );
}
