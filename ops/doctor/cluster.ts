import { living } from "../../config/roster.ts";
import type { MachineConfig } from "../../config/schema.ts";
import type { ApiNode, Checkup, ClusterFacts, Etcd, Patient } from "./facts.ts";

/** A machine that answered. */
export interface Seen {
  readonly machine: MachineConfig;
  readonly facts: Checkup;
}

const answered = (patient: Patient): Seen[] =>
  patient.facts ? [{ machine: patient.machine, facts: patient.facts }] : [];

export const seen = ({ patients }: ClusterFacts): Seen[] => patients.flatMap(answered);

/** The machines of the cluster itself that answered: not its balancers. */
export const seenNodes = (cluster: ClusterFacts): Seen[] =>
  seen(cluster).filter(({ machine }) => machine.role !== "balancer");

export const seenServers = (cluster: ClusterFacts): Seen[] =>
  seen(cluster).filter(({ machine }) => machine.role === "server");

export const runs = ({ facts }: Seen): boolean => facts.service.state.startsWith("active ");

/**
 * Names of the machines whose k3s is known not to run: what the others miss of them follows from that, and is no finding
 * of its own.
 */
export function down({ patients }: ClusterFacts): ReadonlySet<string> {
  const isDown = (patient: Patient) => !answered(patient).some(runs);
  return new Set(patients.filter(isDown).map(({ machine }) => machine.name));
}

/** Servers of the stack whose etcd answers with a majority behind it. */
export function etcds(cluster: ClusterFacts): { machine: MachineConfig; etcd: Etcd }[] {
  return seenServers(cluster).flatMap(({ machine, facts }) =>
    facts.etcd && facts.etcd.problem === null && facts.etcd.id !== null
      ? [{ machine, etcd: facts.etcd }]
      : [],
  );
}

/** Whether etcd refuses to write: no lease can be renewed then, and whatever lives by one is lost. */
export const readOnly = (cluster: ClusterFacts): boolean =>
  etcds(cluster).some(({ etcd }) => etcd.alarms.length > 0);

/** The members as etcd knows them, best from a server that has a majority behind it. */
export function membersOf(cluster: ClusterFacts): Etcd["members"] {
  const all = seenServers(cluster).flatMap(({ facts }) => (facts.etcd ? [facts.etcd] : []));
  const best = all.find(({ problem, members }) => problem === null && members.length > 0);
  return best?.members ?? all.find(({ members }) => members.length > 0)?.members ?? [];
}

/** k3s names a member after its node and eight characters. */
export const nodeOf = (memberName: string): string => memberName.replace(/-[0-9a-f]{8}$/, "");

export interface Voters {
  /** Whether etcd itself says who they are; else the database of a server that can be reached names them. */
  readonly told: boolean;
  readonly all: readonly string[];
  /** Those whose k3s runs as far as anybody knows. */
  readonly alive: readonly string[];
}

export function votersOf(cluster: ClusterFacts): Voters {
  const dead = down(cluster);
  const members = membersOf(cluster);
  const all =
    members.length > 0
      ? members.filter(({ learner, name }) => !learner && name !== "-").map(({ name }) => nodeOf(name))
      : votersOnDisk(cluster);
  const known = serverNames(cluster);
  const alive = all.filter((name) => known.includes(name) && !dead.has(name));
  return { told: members.length > 0, all, alive };
}

/** Servers of the stack that the databases name: k3s whose etcd has no majority restarts, and nobody can be asked. */
function votersOnDisk(cluster: ClusterFacts): string[] {
  const addresses = new Set(seenServers(cluster).flatMap(({ facts }) => facts.etcd?.onDisk ?? []));
  return cluster.config.servers.filter(({ address }) => addresses.has(address)).map(({ name }) => name);
}

/** The Nodes as the API sees them; undefined when no server could tell. */
export const apiNodes = (cluster: ClusterFacts): readonly ApiNode[] | undefined =>
  seen(cluster).find(({ facts }) => facts.api)?.facts.api ?? undefined;

export const serverNames = ({ config }: ClusterFacts): string[] =>
  living(config.servers).map(({ name }) => name);

/** `a`, `a and b`, `a, b and c` */
export const listed = (items: readonly string[]): string =>
  items.length < 2 ? items.join("") : `${items.slice(0, -1).join(", ")} and ${items.at(-1)}`;
