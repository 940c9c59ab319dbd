import type { Shell } from "../measure/etcd.ts";
import { type Access, nodesOf } from "../measure/kube.ts";
import { waitFor } from "../measure/wait.ts";
import {
  askAll,
  everywhere,
  movable,
  namespace,
  podsOf,
  type Serving,
  serviceAddress,
  startWorkload,
} from "./workload.ts";

/** What pods were seen to do. */
export type PodsSeen = {
  image: string;
  nodes: string[];
  /** Pods of different nodes that reached each other, counted in each direction. */
  pairs: number;
  /** Nodes that answered through the Service's address. */
  behindService: string[];
};

const readyMs = 180_000;
/** How often each pod asks the Service: often enough that one node alone does not answer by chance. */
const throughService = 8;

/**
 * Starts a web server on every node, and as many again wherever the scheduler puts them; each of the first asks all others
 * on their own addresses, and the Service before them.
 * @throws naming who did not reach whom
 */
export async function provePods(
  access: Access,
  server: Shell,
  image: string,
  nodes: readonly string[],
  signal: AbortSignal,
): Promise<PodsSeen> {
  await startWorkload(access, image, nodes.length);
  const pods = await waitFor("a pod on every node", () => onEvery(access, nodes), {
    timeoutMs: readyMs,
    everyMs: 1_000,
    signal,
  });
  await waitFor("the movable pods", () => atLeast(access, nodes.length), { timeoutMs: readyMs, signal });
  const service = await serviceAddress(access);
  const asked = await Promise.all(pods.map((pod) => ask(server, pod, pods, service)));
  return {
    image,
    nodes: pods.map(({ node }) => node).sort(),
    pairs: pods.length * (pods.length - 1),
    behindService: [...new Set(asked.flat())].sort(),
  };
}

async function onEvery(access: Access, nodes: readonly string[]): Promise<Serving[]> {
  const pods = await podsOf(access, everywhere);
  const missing = nodes.filter((name) => !pods.some(({ node }) => node === name));
  if (missing.length > 0) throw new Error(`none is ready on ${missing.join(", ")}`);
  return pods;
}

async function atLeast(access: Access, count: number, not?: string): Promise<Serving[]> {
  const pods = (await podsOf(access, movable)).filter(({ node }) => node !== not);
  if (pods.length < count) throw new Error(`${pods.length} of ${count} are ready`);
  return pods;
}

/** @returns the nodes that answered through the Service */
async function ask(
  server: Shell,
  pod: Serving,
  pods: readonly Serving[],
  service: string,
): Promise<string[]> {
  const others = pods.filter(({ ip }) => ip !== pod.ip);
  const targets = [...others, ...Array.from({ length: throughService }, () => ({ ip: service, port: 80 }))];
  // the script goes in on standard input: the pod's own shell reads it
  const command = `k3s kubectl --namespace ${namespace} exec --stdin ${pod.name} -- sh`;
  const { code, stdout, stderr } = await server.exec(command, {
    stdin: askAll(targets),
    timeoutMs: 60_000,
  });
  if (code !== 0) throw new Error(`${pod.node}: its pod cannot be asked: ${stderr.trim()}`);
  return answersIn(stdout, pod, others, service);
}

/**
 * Pure: what the pod's script wrote, against what its neighbours must have said.
 * @throws naming who did not reach whom
 */
export function answersIn(said: string, pod: Serving, others: readonly Serving[], service: string): string[] {
  const answers = said.split("\n").map((line) => line.trim().split(" "));
  const silent = others.filter(({ ip, node }) => !answers.some(([at, by]) => at === ip && by === node));
  if (silent.length > 0)
    throw new Error(
      `${pod.node}: its pod (${pod.ip}) does not reach those of ${silent.map(({ node, ip }) => `${node} (${ip})`).join(", ")}`,
    );
  const through = answers.flatMap(([at, by]) => (at === service && by ? [by] : []));
  const asked = answers.filter(([at]) => at === service).length;
  if (through.length < asked || asked === 0)
    throw new Error(
      `${pod.node}: ${asked - through.length} of ${asked} requests to the Service (${service}) failed`,
    );
  return through;
}

/** How pods left a node that lost its power. Milliseconds since then. */
export type Elsewhere = { moved: number; notReadyMs: number; elsewhereMs: number };

/** Longer than Kubernetes' defaults need: up to 50 s until the Node is NotReady, then 300 s. */
const elsewhereMs = 480_000;

/** How many of the movable pods are on a node. */
export const movableOn = async (access: Access, name: string): Promise<number> =>
  (await podsOf(access, movable)).filter(({ node }) => node === name).length;

/**
 * Waits until all movable pods are ready on other nodes than the one that lost its power.
 * @param moved How many were on it.
 * @param cutAt When it lost it, milliseconds since 1970.
 */
export async function podsElsewhere(
  access: Access,
  victim: string,
  moved: number,
  replicas: number,
  cutAt: number,
  signal: AbortSignal,
): Promise<Elsewhere> {
  const limits = { timeoutMs: elsewhereMs, everyMs: 1_000, signal };
  const since = () => Date.now() - cutAt;
  const notReadyMs = await waitFor(`${victim} is NotReady`, () => notReady(access, victim), limits).then(
    since,
  );
  const what = `the pods of ${victim} run elsewhere`;
  const elsewhere = await waitFor(what, () => atLeast(access, replicas, victim), limits).then(since);
  return { moved, notReadyMs, elsewhereMs: elsewhere };
}

async function notReady(access: Access, name: string): Promise<void> {
  if ((await nodesOf(access)).some((node) => node.name === name && node.ready))
    throw new Error("it is Ready");
}
