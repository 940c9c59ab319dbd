import type { Plot, Report, Table } from "../report/model.ts";
import { columns, duration } from "../text.ts";
import type { Benched, BenchResult } from "./bench.ts";
import { connections, type Made, objectBytes, timeoutMs } from "./load.ts";
import { rareKind, type ServerLatency } from "./metrics.ts";

/** What the figures depend on. */
const settingsOf = ({ at, endpoint, provider, version, rounds, spread }: BenchResult) => ({
  When: at,
  Endpoint: `${endpoint}, by ${provider}`,
  Version: version,
  Requests: `${rounds} of each kind, one after another, given up after ${timeoutMs / 1000} s`,
  Objects: `ConfigMaps of ${objectBytes} bytes in a namespace of their own`,
  Servers: spread.servers.map(({ server }) => server).join(", ") || "none reached directly",
});

function tables(result: BenchResult): Table[] {
  return [
    {
      kind: "table",
      title: "API latency",
      head: ["asked", "connection", "verb", "count", "p50", "p99", "longest", "failed"],
      rows: result.api.map(({ target, connection, verb, count, p50, p99, max, failed }) => [
        target,
        connection,
        verb,
        count,
        duration(p50),
        duration(p99),
        duration(max),
        failed,
      ]),
      note: "As seen from the machine that ran this; `new` includes TCP and TLS of the connection. list reads a namespace with one object of its own.",
    },
    latencyTable(
      "etcd, as the API servers see it",
      result.etcd,
      "The API server's own requests to etcd for ConfigMaps (etcd_request_duration_seconds), those of others among them. Quantiles are upper edges of its buckets.",
    ),
    latencyTable(
      "etcd's own work",
      result.work,
      "WAL sync p99 under 10 ms, backend commit p99 under 25 ms and a peer round trip p99 under 50 ms are good.",
    ),
    {
      kind: "table",
      title: `Who answered ${result.spread.sent} requests over new connections to the endpoint`,
      head: ["server", "requests"],
      rows: result.spread.servers.map(({ server, requests }) => [server, requests]),
      note: `Counted by the servers themselves (apiserver_request_total of LIST ${rareKind}, which hardly anybody else asks for). A virtual address leads to one server; a balancer spreads.`,
    },
  ].filter(({ rows }) => rows.length > 0) as Table[];
}

function latencyTable(title: string, rows: readonly ServerLatency[], note: string): Table {
  return {
    kind: "table",
    title,
    head: ["server", "what", "count", "mean", "p50", "p99"],
    rows: rows.map(({ server, what, count, mean, p50AtMost, p99AtMost }) => [
      server,
      what,
      count,
      duration(mean),
      atMost(p50AtMost),
      atMost(p99AtMost),
    ]),
    note,
  };
}

const atMost = (ms: number) => (Number.isFinite(ms) ? `≤ ${duration(ms)}` : "beyond the last bucket");

/** For a terminal. */
export function benchText(result: BenchResult): string {
  const settings = Object.entries(settingsOf(result)).map(([name, value]) => `${name}: ${value}`);
  const shown = tables(result).map(({ title, head, rows }) => `${title}\n${columns([head, ...rows])}`);
  const notes = result.notes.map((note) => `Note: ${note}`);
  return [settings.join("\n"), ...shown, ...(notes.length > 0 ? [notes.join("\n")] : [])].join("\n\n");
}

/** For a browser. */
export function benchReport({ result, made }: Benched): Report {
  const of = (verb: string) =>
    result.api.find((one) => one.target === "endpoint" && one.connection === "kept" && one.verb === verb)!;
  const [get, create] = [of("get"), of("create")];
  return {
    title: `Benchmark of ${result.endpoint}`,
    summary: `Through the endpoint, over a kept connection: get p99 ${duration(get.p99)}, create p99 ${duration(create.p99)}.`,
    settings: { ...settingsOf(result), ...(result.notes.length > 0 && { Notes: result.notes.join("; ") }) },
    sections: [plot("Latency of all requests through the endpoint", made), ...tables(result)],
  };
}

function plot(title: string, made: readonly Made[]): Plot {
  const series = connections.map((connection) => ({
    name: `${connection} connection${connection === "new" ? "s" : ""}`,
    points: made.filter((one) => one.target === "endpoint" && one.connection === connection),
  }));
  return { kind: "plot", title, series, bands: [], happenings: [] };
}
