import { api } from "../../measure/kube.ts";
import { type Latency, latencyOf } from "../../measure/latency.ts";
import { inNamespace } from "../../measure/namespace.ts";
import { ownAccess, type TargetCluster } from "../target.ts";
import { type Answerer, type ApiVerb, type Connection, connections, load, type Made, verbs } from "./load.ts";
import {
  etcdLatency,
  etcdWork,
  type Look,
  lookAtAll,
  lookAtEtcd,
  rareKind,
  type ServerLatency,
  spreadOf,
} from "./metrics.ts";

/** Latency of one verb at one target. Milliseconds, of the requests that succeeded. */
export interface ApiFigure extends Latency {
  readonly target: string;
  readonly connection: Connection;
  readonly verb: ApiVerb;
  readonly failed: number;
}

export interface BenchResult {
  /** ISO 8601. */
  readonly at: string;
  readonly endpoint: string;
  readonly provider: string;
  /** What the API says it is. */
  readonly version: string;
  readonly rounds: number;
  readonly api: readonly ApiFigure[];
  /** etcd as the API servers see it, while the load ran. */
  readonly etcd: readonly ServerLatency[];
  /** etcd's own work, while the load ran. */
  readonly work: readonly ServerLatency[];
  /** Which server answered how many of the requests over new connections to the endpoint. */
  readonly spread: {
    readonly sent: number;
    readonly servers: readonly { server: string; requests: number }[];
  };
  /** What could not be measured, and why. */
  readonly notes: readonly string[];
}

/** A result with all requests behind it, for plots. */
export interface Benched {
  readonly result: BenchResult;
  readonly made: readonly Made[];
}

/** Requests that show how the endpoint spreads them. */
const spreadRequests = 60;

/**
 * Measures a living cluster: in a namespace of its own, which is deleted at the end, also when it is interrupted.
 * @param rounds How many requests of each kind.
 * @throws the signal's reason; Error when the endpoint does not answer
 */
export async function bench(
  cluster: TargetCluster,
  rounds: number,
  say: (text: string) => void,
  signal: AbortSignal,
): Promise<Benched> {
  const notes: string[] = [];
  const at = new Date().toISOString();
  const { gitVersion } = await api<{ gitVersion: string }>(cluster.access, "GET", "/version");
  const servers = await reachable(cluster, notes);
  const targets = [{ name: "endpoint", access: cluster.access }, ...servers];
  const before = await lookAtAll(servers);
  const workBefore = await etcdLooks(cluster, notes);
  const made = await inNamespace(cluster.access, "bench", (namespace) =>
    load(targets, namespace, rounds, (done) => say(`${done} of ${rounds} rounds`), signal),
  );
  const [between, workAfter] = [await lookAtAll(servers), await etcdLooks(cluster, [])];
  say(`${spreadRequests} requests to see how the endpoint spreads them`);
  for (let sent = 0; sent < spreadRequests; sent++) {
    signal.throwIfAborted();
    await api(cluster.access, "GET", `/api/v1/namespaces/default/${rareKind}`);
  }
  const spread = spreadOf(between, await lookAtAll(servers));
  const result: BenchResult = {
    at,
    endpoint: cluster.endpoint,
    provider: cluster.remote.config.endpoint.provider,
    version: gitVersion,
    rounds,
    api: figures(targets, made),
    etcd: etcdLatency(before, between),
    work: etcdWork(workBefore, workAfter),
    spread: { sent: spreadRequests, servers: spread },
    notes,
  };
  return { result, made };
}

/** Each target's verbs, in the order in which they are shown. Pure. */
export function figures(targets: readonly Answerer[], made: readonly Made[]): ApiFigure[] {
  return targets.flatMap(({ name: target }) =>
    connections.flatMap((connection) =>
      verbs.map((verb) => {
        const own = made.filter(
          (one) => one.target === target && one.connection === connection && one.verb === verb,
        );
        const good = own.filter(({ ok }) => ok).map(({ ms }) => ms);
        return { target, connection, verb, ...latencyOf(good), failed: own.length - good.length };
      }),
    ),
  );
}

/** The servers whose own API answers from here; behind a bastion none does. */
async function reachable(cluster: TargetCluster, notes: string[]): Promise<Answerer[]> {
  const all = cluster.servers.map(({ name, address }) => ({
    name,
    access: ownAccess(cluster.access, address),
  }));
  const answers = await Promise.allSettled(all.map(({ access }) => api(access, "GET", "/readyz")));
  answers.forEach((answer, index) => {
    const { name, access } = all[index]!;
    if (answer.status === "rejected")
      notes.push(
        `${name}: left out, ${access.server} does not answer from here: ${(answer.reason as Error).message}`,
      );
  });
  return all.filter((_, index) => answers[index]!.status === "fulfilled");
}

/** k3s serves etcd's own metrics to the machine itself only. */
async function etcdLooks(cluster: TargetCluster, notes: string[]): Promise<Look[]> {
  const script = "curl -fsS --max-time 10 --noproxy '*' http://127.0.0.1:2381/metrics | grep '^etcd_'";
  const answers = await Promise.all(cluster.servers.map(({ name }) => cluster.remote.run(name, script)));
  return answers.flatMap((ran) => {
    if (ran.reached && ran.code === 0) return [lookAtEtcd(ran.node, ran.stdout)];
    const why = ran.reached ? ran.stderr.trim() : ran.problem;
    notes.push(`${ran.node}: no figures of etcd itself: ${why}`);
    return [];
  });
}
