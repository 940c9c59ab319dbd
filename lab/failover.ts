import { setTimeout as sleep } from "node:timers/promises";
import { type Member, membersOf, type Shell } from "../measure/etcd.ts";
import { type Access, api, freshLeaseMs, nodesOf } from "../measure/kube.ts";
import { type Availability, availability } from "../measure/outage.ts";
import { startProber } from "../measure/prober.ts";
import { waitFor } from "../measure/wait.ts";

/** A machine whose power can be taken away and given back. */
export type Powered = Shell & { powerOff(): Promise<void>; start(): Promise<void>; waitSsh(): Promise<void> };

/** What a failover cost. */
export type Failover = Availability & {
  victim: string;
  ledEtcd: boolean;
  survivors: Member[];
  /** When the power was cut, milliseconds since 1970. */
  cutAt: number;
};

/** How often the API is asked: short outages are the interesting ones. */
const intervalMs = 50;
const timeoutMs = 1_000;
/** The API must answer for so long before the outage counts as over. */
const calmMs = 3_000;
/** Longer than any outage that kube-vip and etcd are to blame for. */
const recoveryMs = 60_000;

/**
 * Cuts the power of a server and measures how long the API does not answer through the endpoint. What is asked is a read
 * of one object, which etcd has to agree on: an API server that answers from its memory alone would not count.
 */
export async function failOver(
  victim: Powered,
  survivors: readonly Shell[],
  access: Access,
  signal: AbortSignal,
): Promise<Failover> {
  const ledEtcd = (await membersOf(survivors[0]!)).some((m) => m.leader && m.name === victim.name);
  const { ca, cert, key } = access;
  const url = new URL("/api/v1/namespaces/default", access.server).href;
  const prober = await startProber({ url, intervalMs, timeoutMs, ca, cert, key });
  let cutAt = 0;
  const watched = async () => {
    await sleep(1_000);
    cutAt = Date.now();
    await victim.powerOff();
    await waitFor("the API through the endpoint", () => answers(access), { timeoutMs: recoveryMs, signal });
    await sleep(calmMs);
  };
  const samples = await watched().then(prober.stop, async (error) => {
    await prober.stop();
    throw error;
  });
  return {
    ...availability(samples),
    victim: victim.name,
    ledEtcd,
    cutAt,
    survivors: await membersOf(survivors[0]!),
  };
}

async function answers(access: Access): Promise<void> {
  await api(access, "GET", "/api/v1/namespaces/default");
}

/**
 * Gives a machine its power back and waits until nothing is left of the failure: its own API server answers, etcd
 * has all voters, every Node is Ready with a lease of now.
 */
export async function heal(
  victim: Powered,
  address: string,
  voters: number,
  access: Access,
  signal: AbortSignal,
): Promise<number> {
  const began = Date.now();
  await victim.start();
  await victim.waitSsh();
  const own = { ...access, server: `https://${address}:6443` };
  await waitFor(
    `${victim.name} is a healthy server again`,
    async () => {
      await api(own, "GET", "/readyz");
      const members = await membersOf(victim);
      const seen = members.filter((member) => member.voter).length;
      if (seen !== voters) throw new Error(`${seen} of ${voters} voters`);
      await nodesReady(own);
    },
    { timeoutMs: 120_000, signal },
  );
  return Date.now() - began;
}

/** @throws when there are fewer Nodes, and naming those that are not Ready or have not been heard of lately. */
export async function nodesReady(access: Access, atLeast = 1): Promise<void> {
  const nodes = await nodesOf(access);
  if (nodes.length < atLeast) throw new Error(`${nodes.length} of ${atLeast} Nodes`);
  const late = nodes.filter((node) => !node.ready || node.silentMs > freshLeaseMs);
  if (late.length > 0) throw new Error(`not Ready: ${late.map((node) => node.name).join(", ")}`);
}
