/** A healthy cluster of three servers and an agent, as `ops doctor` sees it, for tests that spoil one thing. */
import { requireCluster } from "../../config/parse.ts";
import { agentFlags, serverFlags } from "../../config/render.ts";
import type { NodeConfig } from "../../config/schema.ts";
import { type ClusterFacts, type Patient, readCheckup } from "../../ops/doctor/facts.ts";
import { exampleInput } from "./example.ts";

export const now = Date.parse("2031-05-01T12:00:00Z");
const sha256 = "ab".repeat(32);
const ago = (hours: number) => new Date(now - hours * 3_600_000).toISOString().replace(/\.\d+/, "");

const idOf = (index: number) => `a${index}`;
const memberOf = (name: string, index: number) =>
  `${idOf(index)} ${name}-0123456${index} 0 192.0.2.${11 + index}`;

/** What a node says, before it is read: tests write into it. */
// biome-ignore lint/suspicious/noExplicitAny: a node may say anything
export type Said = any;

const buckets = (name: string, labels = "") => [
  `${name}_bucket{${labels}le="0.001"} 900`,
  `${name}_bucket{${labels}le="0.008"} 1000`,
  `${name}_bucket{${labels}le="+Inf"} 1000`,
];

function saidBy(node: NodeConfig, index: number, flags: Record<string, unknown>, peers: NodeConfig[]): Said {
  const server = node.role === "server";
  const digests = { server: "1".repeat(16), join: "1".repeat(16), agent: "2".repeat(16) };
  return {
    node: node.name,
    machine: {
      disks: [{ mount: "/", kib: 1e8, freeKib: 5e7, usedPercent: 50, usedInodesPercent: 5 }],
      vip: index === 1,
      services: {},
    },
    service: {
      unit: server ? "k3s.service" : "k3s-agent.service",
      role: node.role,
      state: "active (running)",
      enabled: "enabled",
      matches: true,
      dropIns: [],
      restarts: 0,
    },
    files: {
      config: JSON.stringify(flags),
      others: [],
      loose: [],
      digests: server ? digests : { server: null, join: digests.agent, agent: null },
      clusterCa: "3".repeat(16),
      expires: ago(-24 * 300),
    },
    records: { unfinished: [], running: false },
    binary: { arch: "amd64", version: "v1.34.2+k3s1", sha256 },
    reach: peers.map(({ name }) => `${name} 10250 open 300`),
    ...(server && {
      snapshots: {
        newest: { name: `etcd-snapshot-${node.name}-1`, place: "file:///x", bytes: 9, createdAt: ago(5) },
        kept: { name: "nightly", place: "file:///y/nightly", bytes: 9, createdAt: ago(50) },
        problem: null,
        since: ago(1000),
      },
      restart: { problem: null, newer: [] },
      etcd: {
        problem: null,
        members: [1, 2, 3].map((n) => memberOf(`server-${n}`, n - 1)),
        onDisk: [],
        id: idOf(index),
        leader: idOf(1),
        alarms: [],
        metrics: [
          ...buckets("etcd_disk_wal_fsync_duration_seconds"),
          ...buckets("etcd_network_peer_round_trip_time_seconds", `To="${idOf((index + 1) % 3)}",`),
          "etcd_mvcc_db_total_size_in_bytes 2.0971520e+07",
          "etcd_mvcc_db_total_size_in_use_in_bytes 4.194304e+06",
          "etcd_server_quota_backend_bytes 2.147483648e+09",
        ],
      },
    }),
    ...(index === 0 && {
      api: ["server-1", "server-2", "server-3", "agent-1"].map(
        (name) => `${name}|True|v1.34.2+k3s1|no|4|${name.startsWith("server") ? "start-abc" : ""}`,
      ),
    }),
  };
}

/** @param spoil writes into what the nodes say, by name; a node that is deleted there did not answer */
export function cluster(spoil: (said: Record<string, Said>) => void = () => {}, more = {}): ClusterFacts {
  const config = requireCluster(exampleInput({ checksums: { amd64: sha256 }, ...more }));
  const nodes = [...config.servers, ...config.agents];
  const said: Record<string, Said> = Object.fromEntries(
    nodes.map((node, index) => {
      const flags = node.role === "server" ? serverFlags(config, node) : agentFlags(node);
      const peers = nodes.filter((other) => other !== node);
      return [node.name, saidBy(node, index, flags, peers)];
    }),
  );
  spoil(said);
  const patients = nodes.map((machine): Patient => {
    const own = said[machine.name];
    const clock = { offsetMs: own?.offsetMs ?? 3, uncertaintyMs: 5 };
    if (own === undefined)
      return {
        machine,
        problem: `${machine.name} (root@x:22): the host is down\n  next:   switch it on`,
      };
    return { machine, clock, facts: readCheckup(machine.name, JSON.stringify(own)) };
  });
  return { config, patients, endpoint: { answers: true, problem: "" }, now };
}
