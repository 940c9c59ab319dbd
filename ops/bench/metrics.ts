import { type Access, api } from "../../measure/kube.ts";
import { histogramOf, type Metric, observed, parseMetrics, total } from "../../measure/metrics.ts";
import type { Answerer } from "./load.ts";

/** How the API server's own requests to etcd went, while the load ran: seconds, by operation. */
const etcdRequests = "etcd_request_duration_seconds";
const apiRequests = "apiserver_request_total";

/** What etcd itself measures on its disk and to its peers, seconds. */
export const etcdItself = {
  "WAL sync": "etcd_disk_wal_fsync_duration_seconds",
  "backend commit": "etcd_disk_backend_commit_duration_seconds",
  "peer round trip": "etcd_network_peer_round_trip_time_seconds",
} as const;

/**
 * A kind that hardly anybody uses, for seeing which server a request reached: its LIST requests on each server are
 * counted by the server itself.
 */
export const rareKind = "podtemplates";

/** What is read of a server's `/metrics`. */
const fromApi = [...histogramOf(etcdRequests), apiRequests];
const fromEtcd = Object.values(etcdItself).flatMap(histogramOf);

/** A look at the metrics of one server. */
export interface Look {
  readonly server: string;
  readonly metrics: readonly Metric[];
}

const metricsMs = 15_000;

/** What a server's API says of itself. */
export async function lookAtApi(name: string, access: Access): Promise<Look> {
  const text = await api<string>(access, "GET", "/metrics", undefined, metricsMs);
  return { server: name, metrics: parseMetrics(text, fromApi) };
}

/** The same of what `curl http://127.0.0.1:2381/metrics` says on a server. Pure. */
export const lookAtEtcd = (name: string, text: string): Look => ({
  server: name,
  metrics: parseMetrics(text, fromEtcd),
});

/** A kind of work and how long it took on one server, milliseconds; quantiles are upper edges of buckets. */
export interface ServerLatency {
  readonly server: string;
  readonly what: string;
  readonly count: number;
  readonly mean: number;
  readonly p50AtMost: number;
  readonly p99AtMost: number;
}

const operations = ["create", "get", "list", "update", "delete"];

/** How long etcd took for each operation on ConfigMaps, as the API server of each server saw it. Pure. */
export function etcdLatency(before: readonly Look[], after: readonly Look[]): ServerLatency[] {
  return compare(before, after, operations, (operation) => ({
    name: etcdRequests,
    // the label that names the kind was `type`, with or without the group, before Kubernetes 1.34
    fits: (labels) =>
      labels.operation === operation &&
      [labels.resource, labels.type?.split("/").at(-1)].includes("configmaps"),
  }));
}

/** How long etcd's own work took. Pure. */
export function etcdWork(before: readonly Look[], after: readonly Look[]): ServerLatency[] {
  const names: Readonly<Record<string, string>> = etcdItself;
  return compare(before, after, Object.keys(names), (what) => ({ name: names[what]!, fits: () => true }));
}

type Chosen = { name: string; fits: (labels: Metric["labels"]) => boolean };

function compare(
  before: readonly Look[],
  after: readonly Look[],
  kinds: readonly string[],
  choose: (kind: string) => Chosen,
): ServerLatency[] {
  return after.flatMap(({ server, metrics }) => {
    const earlier = before.find((look) => look.server === server)?.metrics ?? [];
    return kinds.flatMap((what) => {
      const { name, fits } = choose(what);
      const { count, mean, p50, p99 } = observed(earlier, metrics, name, fits);
      const ms = (seconds: number) => seconds * 1000;
      return count > 0
        ? [{ server, what, count, mean: ms(mean), p50AtMost: ms(p50), p99AtMost: ms(p99) }]
        : [];
    });
  });
}

/** How many of the requests each server answered. Pure. */
export function spreadOf(
  before: readonly Look[],
  after: readonly Look[],
): { server: string; requests: number }[] {
  const lists = ({ metrics }: Look) =>
    total(metrics, apiRequests, ({ resource, verb }) => resource === rareKind && verb === "LIST");
  return after.map((look) => {
    const earlier = before.find(({ server }) => server === look.server);
    return { server: look.server, requests: lists(look) - (earlier ? lists(earlier) : 0) };
  });
}

/** Looks at every server that answers directly. */
export const lookAtAll = (servers: readonly Answerer[]): Promise<Look[]> =>
  Promise.all(servers.map(({ name, access }) => lookAtApi(name, access)));
