import { holdersOf, membersOf } from "../measure/etcd.ts";
import { type Access, api, nodesOf } from "../measure/kube.ts";
import { waitFor } from "../measure/wait.ts";
import type { Board } from "./board.ts";
import { duration } from "./board.ts";
import type { Cluster } from "./cluster.ts";
import { type Failover, failOver, heal, nodesReady } from "./failover.ts";
import { marksAreThere, takeSnapshot, writeMark } from "./proof-data.ts";
import { type Elsewhere, movableOn, type PodsSeen, podsElsewhere, provePods } from "./proof-pods.ts";
import { task } from "./task.ts";
import { stopWorkload } from "./workload.ts";

/** What the proof has found; what it could not do has its reason. */
export type Proof = {
  voters: string[];
  leader: string;
  nodes: { name: string; version: string; roles: string[] }[];
  holder: string;
  secondUpSeconds: number;
  snapshot: string;
  /** Where containers run. */
  pods?: PodsSeen;
  failover?: Failover & { healedMs: number };
  /** Where it was asked for. */
  elsewhere?: Elsewhere;
};

/** What is proven beside what holds for every cluster. */
export type ProofOptions = {
  /** Whether the victim of the failover stays without power until its pods run elsewhere. */
  podsElsewhere: boolean;
};

/** The rows of the board, for a cluster like this one. */
export function proofRows({ topology, pods }: Cluster, { podsElsewhere }: ProofOptions): string[] {
  const more = topology.servers.length > 1;
  const workload = pods?.workload !== undefined;
  return [
    "members",
    "nodes",
    ...(workload ? ["pods"] : []),
    "endpoint",
    "second up",
    "snapshot",
    ...(more ? ["failover"] : []),
    ...(more && workload && podsElsewhere ? ["pods elsewhere"] : []),
    ...(more ? ["healing"] : []),
  ];
}

/**
 * Asks etcd, the API and the machines themselves whether the cluster is what the program says it is, and then takes the
 * power of the server that holds the endpoint. Nothing here reads what the program reported.
 * @throws at the first claim that does not hold.
 */
export async function prove(
  cluster: Cluster,
  access: Access,
  { podsElsewhere: untilElsewhere }: ProofOptions,
  board: Board,
  now: () => number,
  signal: AbortSignal,
): Promise<Proof> {
  const { topology } = cluster;
  const image = cluster.pods?.workload;
  const servers = topology.servers.map((node) => cluster.machine(node.name));
  const check = <T>(name: string, work: () => Promise<T>, result: (value: T) => string) => {
    signal.throwIfAborted();
    return task(board, now, name, work, result);
  };

  const members = await check(
    "members",
    async () => votersAre(await membersOf(servers[0]!), names(topology.servers)),
    (found) => `${found.length} voters: ${names(found).join(", ")}; ${leaderOf(found)} leads`,
  );
  const nodes = await check(
    "nodes",
    () =>
      waitFor("every Node is Ready", () => allNodes(access, names(topology.nodes)), {
        timeoutMs: 60_000,
        signal,
      }),
    (found) => `${found.length} Ready: ${names(found).join(", ")}`,
  );
  const pods = image
    ? await check(
        "pods",
        () => provePods(access, servers[0]!, image, names(topology.nodes), signal),
        ({ nodes, pairs, behindService }) =>
          `one on each of ${nodes.length} nodes; ${pairs} ways between them, and through a Service to ${behindService.length}`,
      )
    : undefined;
  const holder = await check(
    "endpoint",
    () =>
      waitFor("one holder", () => theHolder(topology.vip, servers, access), { timeoutMs: 15_000, signal }),
    (name) => `${topology.vip} is on ${name} alone, and answers from this host`,
  );
  const second = await check(
    "second up",
    async () => unchanged(await cluster.operate("up", () => {}, signal)),
    (ended) => `no change in ${duration(ended.seconds * 1000)}`,
  );
  const snapshot = await check(
    "snapshot",
    () => takeSnapshot(cluster, signal),
    (text) => text,
  );
  const proof = {
    voters: names(members),
    leader: leaderOf(members),
    nodes,
    holder,
    secondUpSeconds: second.seconds,
    snapshot,
    ...(pods && { pods }),
  };
  if (servers.length === 1) {
    if (pods) await stopWorkload(access);
    return proof;
  }

  const victim = cluster.machine(holder);
  const survivors = servers.filter((server) => server !== victim);
  await writeMark(access, "before");
  const moving = pods ? await movableOn(access, holder) : 0;
  const failover = await check(
    "failover",
    () => failOver(victim, survivors, access, signal),
    (found) =>
      `${holder}${found.ledEtcd ? ", which also led etcd," : ""} lost its power: API away for ${duration(found.longestMs)}`,
  );
  const elsewhere =
    pods && untilElsewhere
      ? await check(
          "pods elsewhere",
          () => podsElsewhere(access, holder, moving, topology.nodes.length, failover.cutAt, signal),
          (found) =>
            `${found.moved} of ${holder} run elsewhere after ${duration(found.elsewhereMs)} (NotReady after ${duration(found.notReadyMs)})`,
        )
      : undefined;
  const healedMs = await check(
    "healing",
    async () => {
      await writeMark(access, "during");
      const ms = await heal(victim, victim.address, servers.length, access, signal);
      await marksAreThere({ ...access, server: `https://${victim.address}:6443` });
      await waitFor("one holder", () => theHolder(topology.vip, servers, access), {
        timeoutMs: 30_000,
        signal,
      });
      return ms;
    },
    (ms) => `${holder} is a healthy voter again after ${duration(ms)}; nothing that was written is lost`,
  );
  if (pods) await stopWorkload(access);
  return { ...proof, failover: { ...failover, healedMs }, ...(elsewhere && { elsewhere }) };
}

const names = (things: readonly { name: string }[]) => things.map((thing) => thing.name);
const leaderOf = (members: readonly { name: string; leader: boolean }[]) =>
  members.find((member) => member.leader)?.name ?? "nobody";

/** @throws unless the members are exactly these, all of them voters, one of them the leader. */
export function votersAre<T extends { name: string; voter: boolean; leader: boolean }>(
  members: readonly T[],
  expected: readonly string[],
): T[] {
  const voters = members.filter((member) => member.voter);
  const found = members.map((member) => `${member.name || "(unnamed)"}${member.voter ? "" : " (learner)"}`);
  if (members.length !== voters.length || names(voters).join() !== [...expected].sort().join())
    throw new Error(`members: found ${found.join(", ")}, want the voters ${expected.join(", ")}`);
  if (!members.some((member) => member.leader)) throw new Error("members: nobody leads");
  return voters;
}

async function allNodes(access: Access, expected: readonly string[]) {
  await nodesReady(access);
  const nodes = await nodesOf(access);
  const missing = expected.filter((name) => !nodes.some((node) => node.name === name));
  if (missing.length > 0) throw new Error(`missing: ${missing.join(", ")}`);
  return nodes.map(({ name, version, roles }) => ({ name, version, roles }));
}

async function theHolder(
  vip: string,
  servers: Parameters<typeof holdersOf>[1],
  access: Access,
): Promise<string> {
  const holders = await holdersOf(vip, servers);
  if (holders.length !== 1) throw new Error(`${vip} is on ${holders.join(" and ") || "no server"}`);
  await api({ ...access, server: `https://${vip}:6443` }, "GET", "/readyz");
  return holders[0]!;
}

/** @throws when an operation changed something. */
export function unchanged<T extends { changed: number; changes: object }>(ended: T): T {
  if (ended.changed > 0) throw new Error(`found ${JSON.stringify(ended.changes)}, want no change at all`);
  return ended;
}
