import { type Applied, type AppliedNode, renews } from "./applied.ts";
import { quorumOf } from "./quorum.ts";
import { parseVersion } from "./version.ts";

/** What remains while one of the voters restarts. */
function meanwhile(voters: number): string {
  if (voters === 1) return "the only voter: the API is away meanwhile";
  return `${voters - 1} of ${voters} voters meanwhile, quorum ${quorumOf(voters)}`;
}

const afterwards = (voters: number) =>
  `afterwards ${voters} ${voters === 1 ? "voter" : "voters"}, quorum ${quorumOf(voters)}`;

/** Whether the kubelet's minor changes: then the node is drained first. */
export function drains(from: string, to: string): boolean {
  const [old, wish] = [parseVersion(from), parseVersion(to)];
  return old !== undefined && wish !== undefined && (old.major !== wish.major || old.minor !== wish.minor);
}

const text = (value: unknown): string => (value === undefined ? "unset" : [value].flat().join(","));

/** Flags that differ, as `tls-san a -> a,b`. */
function flagChanges(before: AppliedNode["flags"], now: AppliedNode["flags"]): string[] {
  const keys = [...new Set([...Object.keys(before), ...Object.keys(now)])];
  return keys
    .filter((key) => text(before[key]) !== text(now[key]))
    .map((key) => `${key} ${text(before[key])} -> ${text(now[key])}`);
}

/** What becomes of a k3s that may be there already. */
const consents = {
  adopt:
    "a k3s that is there is taken over in place, SQLite moved to etcd with the API away meanwhile; else ",
  replace: "a k3s that is there is put aside; ",
};
const consent = ({ existing }: AppliedNode): string => (existing ? consents[existing] : "");

const whenOn = ({ partTime }: AppliedNode): string => (partTime ? ", when it is on" : "");

/** Why a node that stays what it is restarts, and whether it is drained; empty when it does not. */
function reasonsFor(name: string, before: Applied, now: Applied): string[] {
  const [from, to] = [before.version, now.version];
  return [
    ...(from === to ? [] : [`${from} -> ${to}`, ...(drains(from, to) ? ["drain"] : [])]),
    ...renews
      .filter(({ counter, agents }) => {
        const concerned = agents || now.nodes[name]!.role === "server";
        return concerned && now.rotate[counter] > before.rotate[counter];
      })
      .map(({ what }) => what),
    ...flagChanges(before.nodes[name]!.flags, now.nodes[name]!.flags),
  ];
}

/** What a restore that was not done yet does to each node; nothing when there is none. */
function restorePlan(before: Applied | undefined, { nodes, restore }: Applied): string[] {
  if (!restore || restore.id === before?.restore?.id) return [];
  let voters = 0;
  const living = Object.entries(nodes).filter(([, node]) => !node.lost);
  return living.map(([name, { role }]) => {
    const was = before?.nodes[name];
    if (role === "agent") return `${name}: ${was ? "restarts" : "joins as an agent"}${whenOn(nodes[name]!)}`;
    voters++;
    if (voters === 1) {
      return `${name}: takes the data of the snapshot ${restore.snapshot}; what was written since is gone; ${afterwards(1)}`;
    }
    const halted = was ? "is halted, its data are set aside, " : "";
    return `${name}: ${halted}joins the restored cluster; ${afterwards(voters)}`;
  });
}

/**
 * What a changed configuration will do, one line for each node that it concerns, in the order in which they are worked
 * on, with the quorum that remains. Pure.
 * @param before what the stack was brought to; undefined for a stack that never succeeded
 */
export function plan(before: Applied | undefined, now: Applied): string[] {
  const restored = restorePlan(before, now);
  if (!before && restored.length > 0) return restored;
  const old = before ?? { ...now, nodes: {} };
  let voters = Object.values(old.nodes).filter(({ role, lost }) => role === "server" && !lost).length;
  const lost = Object.entries(now.nodes)
    .filter(([name, node]) => node.lost && !old.nodes[name]?.lost)
    .map(([name, { role }]) => {
      if (role === "agent") return `${name}: is lost: its Node is forgotten, the machine is not touched`;
      voters--;
      return `${name}: is lost: its member and Node are forgotten, the machine is not touched; ${afterwards(voters)}`;
    });
  const living = Object.entries(now.nodes).filter(([, node]) => !node.lost);
  const work = living.flatMap(([name, node]): string[] => {
    const { role } = node;
    const known = old.nodes[name];
    const was = known?.lost ? undefined : known;
    if (role === "server" && was?.role !== "server") {
      voters++;
      const entry = consent(node) + (voters === 1 ? "founds the cluster" : "joins as a server");
      const how = was ? "becomes a server: is emptied, its agent removed, joins etcd" : entry;
      return [`${name}: ${how}; ${afterwards(voters)}`];
    }
    if (role === "agent" && was?.role === "server") {
      voters--;
      return [`${name}: becomes an agent: leaves etcd, is emptied, joins again; ${afterwards(voters)}`];
    }
    if (!was) return [`${name}: ${consent(node)}joins as an agent${whenOn(node)}`];
    const reasons = reasonsFor(name, old, now);
    if (reasons.length === 0) return [];
    return [
      `${name}: ${[...reasons, "restart"].join(", ")}${role === "server" ? `; ${meanwhile(voters)}` : whenOn(node)}`,
    ];
  });
  const gone = Object.entries(old.nodes)
    .filter(([name]) => !(name in now.nodes))
    .reverse()
    .map(([name, node]) => {
      if (node.lost) return `${name}: was lost, its entry goes; nothing runs anywhere`;
      if (node.role === "agent") return `${name}: leaves the cluster, k3s is removed${whenOn(node)}`;
      voters--;
      return `${name}: leaves etcd, k3s is removed; ${afterwards(voters)}`;
    });
  return [...restored, ...lost, ...work, ...gone];
}
