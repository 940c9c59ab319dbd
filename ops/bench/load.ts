import { Agent } from "node:https";
import { type Access, api } from "../../measure/kube.ts";

/** What is asked of the API, in the order of one object's life. `list` reads the throw-away namespace. */
export const verbs = ["create", "get", "list", "update", "delete"] as const;
export type ApiVerb = (typeof verbs)[number];

/** A new connection for every request, TCP and TLS included, or one that is kept. */
export const connections = ["new", "kept"] as const;
export type Connection = (typeof connections)[number];

/** Somebody who answers for the API: the endpoint, or one server. */
export interface Answerer {
  readonly name: string;
  readonly access: Access;
}

/** One request that was made. Milliseconds; `at` since 1970. */
export interface Made {
  readonly target: string;
  readonly connection: Connection;
  readonly verb: ApiVerb;
  readonly at: number;
  readonly ms: number;
  readonly ok: boolean;
}

/** Bytes that each object carries: about what a small ConfigMap or a Lease has. */
export const objectBytes = 1024;

/** A request without an answer by then has failed, milliseconds. */
export const timeoutMs = 10_000;

/**
 * Makes requests one after another: the life of one object at each target, over each kind of connection, in turns, so
 * that what else the cluster does in the meantime falls on all of them alike.
 * @param rounds How many requests of each kind.
 * @param progress Told after each round how many are done.
 * @throws the signal's reason
 */
export async function load(
  targets: readonly Answerer[],
  namespace: string,
  rounds: number,
  progress: (done: number) => void,
  signal: AbortSignal,
): Promise<Made[]> {
  const ways = targets.flatMap((target) => connections.map((connection) => wayOf(target, connection)));
  const made: Made[] = [];
  try {
    // the first request over a kept connection makes it, which is not what is measured
    for (const way of ways) if (way.agent) await api(way.access, "GET", "/version", undefined, timeoutMs);
    for (let round = 0; round < rounds; round++) {
      for (const way of ways) {
        signal.throwIfAborted();
        for (const verb of verbs) made.push(await request(way, verb, namespace, `object-${round}`));
      }
      progress(round + 1);
    }
  } finally {
    for (const { agent } of ways) agent?.destroy();
  }
  return made;
}

interface Way {
  readonly target: string;
  readonly connection: Connection;
  readonly access: Access;
  readonly agent: Agent | undefined;
}

function wayOf({ name, access }: Answerer, connection: Connection): Way {
  const agent = connection === "kept" ? new Agent({ keepAlive: true, maxSockets: 1 }) : undefined;
  return { target: name, connection, access: { ...access, ...(agent && { agent }) }, agent };
}

const content = "x".repeat(objectBytes);

async function request(way: Way, verb: ApiVerb, namespace: string, name: string): Promise<Made> {
  const all = `/api/v1/namespaces/${namespace}/configmaps`;
  const one = `${all}/${name}`;
  const body = { apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data: { content, verb } };
  const calls: Record<ApiVerb, readonly [string, string, unknown?]> = {
    create: ["POST", all, body],
    get: ["GET", one],
    list: ["GET", all],
    update: ["PUT", one, body],
    delete: ["DELETE", one],
  };
  const [method, path, sent] = calls[verb];
  const at = performance.timeOrigin + performance.now();
  const ok = await api(way.access, method, path, sent, timeoutMs).then(
    () => true,
    () => false,
  );
  const ms = performance.timeOrigin + performance.now() - at;
  return { target: way.target, connection: way.connection, verb, at, ms, ok };
}
