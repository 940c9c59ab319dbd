import type { ClusterFacts } from "./facts.ts";
import { type Finding, sorted } from "./finding.ts";
import { encryption, nodes, token } from "./rules/cluster.ts";
import { alarm, database, diskLatency, fragmentation, leader, members, peerLatency } from "./rules/etcd.ts";
import { certificates, clock, disk } from "./rules/machine.ts";
import { endpoint, ports, roundTrip } from "./rules/network.ts";
import { binary, config, permissions, reachable, service, unfinished, unit, version } from "./rules/node.ts";
import { quorum } from "./rules/quorum.ts";
import { restart } from "./rules/restart.ts";
import { snapshot, snapshotAway } from "./rules/snapshot.ts";

/** Every rule: facts in, findings out. None asks anybody. */
const rules: readonly ((cluster: ClusterFacts) => Finding[])[] = [
  reachable,
  service,
  version,
  binary,
  unit,
  config,
  permissions,
  token,
  unfinished,
  disk,
  clock,
  certificates,
  snapshot,
  snapshotAway,
  restart,
  members,
  quorum,
  leader,
  alarm,
  database,
  fragmentation,
  diskLatency,
  peerLatency,
  ports,
  roundTrip,
  endpoint,
  nodes,
  encryption,
];

/** Everything that is not as it should be, worst first. Pure. */
export const diagnose = (cluster: ClusterFacts): Finding[] => sorted(rules.flatMap((rule) => rule(cluster)));
