import { setTimeout as sleep } from "node:timers/promises";
import type { Powered } from "../../lab/failover.ts";
import { giveLeadership, holdersOf, membersOf, termOf } from "../../measure/etcd.ts";
import { type Access, api } from "../../measure/kube.ts";
import { waitFor } from "../../measure/wait.ts";
import { watch } from "../../measure/watch.ts";
import { configMapsOf, writerLabel } from "../../measure/writer.ts";
import type { Cell } from "./cell.ts";
import { awayMs } from "./outcome.ts";

type Node = Powered & { readonly address: string };

/** The machines that the benchmark works on. */
export type Ground = {
  readonly servers: readonly Node[];
  readonly balancers: readonly Node[];
  readonly vip: string;
  readonly access: Access;
};

/** What one run found. Times in milliseconds. */
export type Row = {
  readonly key: string;
  readonly settings: string;
  /** No answer for new connections, in all, until the victim had its power again. */
  readonly newMs: number;
  /** As `newMs`, for a client that keeps its connection. */
  readonly keptMs: number;
  /** The same while the victim came back. */
  readonly rejoinMs: number;
  /** Elections while it came back; undefined when it is no server. */
  readonly elections?: number;
  readonly acknowledged: number;
  readonly lost: number;
};

/** Ten times a second, by each of the two clients. */
export const paceMs = 100;
/** Until a request counts as failed. */
export const timeoutMs = 1_000;
/** The API must answer for so long before the outage counts as over: a lease is given up only after a while. */
const calmMs = 3_000;
/** After everything is well: an election that the return causes is over by then, or shows in the term. */
const settleMs = 1_500;
const recoveryMs = 60_000;
const rejoinMs = 120_000;

/** Takes the power of a cell's victims, measures, gives it back, and looks whether that deposed anybody. */
export async function measure(
  ground: Ground,
  cell: Cell,
  name: string,
): Promise<Omit<Row, "key" | "settings">> {
  const { access } = ground;
  const dying = await arrange(ground, cell);
  const namespace = "default";
  const clients = await watch(access, { namespace, name, intervalMs: paceMs, timeoutMs, pods: false });
  const { back, elections } = await lose(ground, dying).catch(async (error: Error) => {
    await clients.stop().catch(() => {}); // why it failed is told
    throw error;
  });
  const { fresh, kept, writes } = await clients.stop();
  await api(
    access,
    "DELETE",
    `${configMapsOf(namespace)}?labelSelector=${writerLabel}%3D${name}`,
    undefined,
    20_000,
  );
  const away = awayMs(fresh, paceMs, back);
  return {
    newMs: away.before,
    rejoinMs: away.after,
    keptMs: awayMs(kept, paceMs, back).before,
    ...(elections !== undefined && { elections }),
    acknowledged: writes.acknowledged,
    lost: writes.lost.length,
  };
}

/** Takes the victims' power and gives it back; says when that was, and how many elections the return cost. */
async function lose(
  ground: Ground,
  dying: readonly Node[],
): Promise<{ back: number; elections: number | undefined }> {
  const { servers, access } = ground;
  await sleep(1_000);
  await Promise.all(dying.map((victim) => victim.powerOff()));
  await calm(access);
  const survivor = servers.find((one) => !dying.includes(one))!;
  const term = await termOf(survivor);
  const back = Date.now();
  await Promise.all(dying.map((victim) => comeBack(victim, ground)));
  await sleep(settleMs);
  const rejoined = dying.some((victim) => servers.includes(victim));
  return { back, elections: rejoined ? (await termOf(survivor)) - term : undefined };
}

/** Chooses the victims, and lets etcd be led where the cell wants it. */
async function arrange(ground: Ground, { endpoint, victim }: Cell): Promise<Node[]> {
  const { servers, balancers, vip } = ground;
  if (endpoint === "kube-vip") await Promise.all(servers.map(candidate));
  const carriers = endpoint === "haproxy" ? balancers : servers;
  const holder = await waitFor(
    `${vip} is on one machine`,
    async () => {
      const holders = await holdersOf(vip, carriers);
      if (holders.length !== 1) throw new Error(`it is on ${holders.join(" and ") || "none"}`);
      return carriers.find(({ name }) => name === holders[0])!;
    },
    { timeoutMs: recoveryMs },
  );
  const others = servers.filter((server) => server !== holder);
  const leader = victim === "both" && endpoint !== "haproxy" ? holder : others[0]!;
  await waitFor("the wanted leader", () => giveLeadership(servers, leader.name), { timeoutMs: 30_000 });
  if (victim === "holder") return [holder];
  if (victim === "leader") return [leader];
  if (victim === "other") return [others.find((server) => server !== leader)!];
  return [...new Set([holder, leader])];
}

/** Waits until the API has answered for a while through the endpoint. */
async function calm(access: Access): Promise<void> {
  const until = Date.now() + recoveryMs;
  let since = Date.now();
  while (Date.now() - since < calmMs) {
    if (Date.now() > until) throw new Error(`the API is away for more than ${recoveryMs / 1000} s`);
    await api(access, "GET", "/api/v1/namespaces/default", undefined, timeoutMs).catch(() => {
      since = Date.now();
    });
    await sleep(paceMs);
  }
}

/** A kube-vip that lost its lease is started again only after a while: whoever may take the address must run. */
async function candidate(server: Node): Promise<void> {
  await waitFor(
    `${server.name} runs kube-vip`,
    async () => {
      const { stdout } = await server.exec(
        "grep -lzxF vip_arp=true /proc/[0-9]*/environ 2>/dev/null | wc -l",
      );
      if (Number(stdout) === 0) throw new Error("it does not");
    },
    { timeoutMs: rejoinMs * 3 },
  );
}

/** Gives a machine its power back and waits until it does its part again. */
async function comeBack(victim: Node, { servers, access }: Ground): Promise<void> {
  await victim.start();
  await victim.waitSsh();
  const server = { ...access, server: `https://${victim.address}:6443` };
  const asServer = async () => {
    await api(server, "GET", "/readyz", undefined, timeoutMs);
    const voters = (await membersOf(victim)).filter(({ voter }) => voter);
    if (voters.length !== servers.length) throw new Error(`${voters.length} voters`);
  };
  const asBalancer = async () => {
    const { code } = await victim.exec("systemctl is-active haproxy && systemctl is-active keepalived");
    if (code !== 0) throw new Error("its services do not run");
  };
  const check = servers.includes(victim) ? asServer : asBalancer;
  await waitFor(`${victim.name} does its part again`, check, { timeoutMs: rejoinMs });
}
