import type { Draft, PlacedNode } from "./draft.ts";
import { kubeVipProblems } from "./kube-vip-rules.ts";
import { endpointProblems, rangeProblems } from "./network-rules.ts";
import { podFailoverProblems } from "./pod-failover.ts";
import type { Problem } from "./problems.ts";
import { quorumOf } from "./quorum.ts";
import { checksumsFor, checksumUrl } from "./releases.ts";
import type { ParsedNode } from "./schema.ts";
import { timingProblems } from "./timing.ts";
import { backupProblems, restoreProblems, rotateProblems, snapshotProblems } from "./upkeep-rules.ts";

/** etcd needs a majority: an even number of servers tolerates no more losses than one server less. */
export function serverCountProblems({ serverCount: count }: Draft): Problem[] {
  if (count === undefined || (count % 2 === 1 && count <= 7)) return [];
  const wanted = "1, 3, 5 or 7 servers";
  const found = count === 0 ? "no server" : `${count} servers`;
  if (count === 0) return [{ path: "servers", found, wanted, next: "List at least one server." }];
  if (count > 7) {
    return [
      { path: "servers", found, wanted, next: "Make the others agents: each voter slows every write." },
    ];
  }
  const quorum = quorumOf(count);
  return [
    {
      path: "servers",
      found: `${found}, whose quorum of ${quorum} survives ${count - quorum} lost`,
      wanted,
      next: `${count === 2 ? "One server survives" : `${count - 1} servers survive`} as many losses; add a server or make one an agent.`,
    },
  ];
}

/** Somebody must know the cluster that forgets a lost machine. Whether those left are a majority, etcd itself knows. */
export function lostProblems({ nodes }: Draft): Problem[] {
  const servers = nodes.filter(({ role }) => role === "server");
  if (servers.length === 0 || servers.some(({ node }) => !node.lost)) return [];
  return [
    {
      path: "servers",
      found: "only servers that are declared lost",
      wanted: "at least one that lives",
      next: "Bring one back, or reinstall the machines and restore a snapshot.",
    },
  ];
}

/** What does not go together with `partTime`, and where. */
const alwaysOn: readonly {
  is: (placed: PlacedNode) => boolean;
  field: keyof ParsedNode;
  found: string;
  wanted: string;
  next: string;
}[] = [
  {
    is: ({ role }) => role === "server",
    field: "partTime",
    found: "a server that may be off",
    wanted: "servers that are always on",
    next: "Make it an agent: whenever it is off, etcd is one loss closer to standing still.",
  },
  {
    is: ({ node }) => node.lost,
    field: "lost",
    found: "a part-time agent that is declared lost",
    wanted: "nothing: it may be off",
    next: "When the machine is gone for good, take its entry out.",
  },
  {
    is: ({ node }) => node.existing !== undefined,
    field: "existing",
    found: "a part-time agent whose k3s is taken over",
    wanted: "a machine that is on while its k3s is taken over",
    next: "Take partTime out until `pulumi up` has done it.",
  },
];

/** A machine may be off most of the time only where nobody misses it. */
export function partTimeProblems({ nodes }: Draft): Problem[] {
  return nodes
    .filter(({ node }) => node.partTime)
    .flatMap((placed) =>
      alwaysOn
        .filter(({ is }) => is(placed))
        .map(({ field, found, wanted, next }) => ({ path: `${placed.place}.${field}`, found, wanted, next })),
    );
}

/** What must not occur twice in the cluster, and how to read it from a node. */
const unique: readonly { field: string; read: (placed: PlacedNode) => string | undefined; next: string }[] = [
  { field: "name", read: ({ node }) => node.name, next: "Rename one of them." },
  { field: "address", read: ({ address }) => address, next: "Give each node its own address." },
  {
    field: "host",
    read: ({ node }) =>
      node.address === undefined ? undefined : `${node.host}:${node.port ?? "default port"}`,
    next: "Two nodes would be one machine; correct one of them.",
  },
];

export function duplicateProblems({ nodes }: Draft): Problem[] {
  return unique.flatMap(({ field, read, next }) => {
    const seen = new Map<string, string>();
    return nodes.flatMap((placed) => {
      const value = read(placed);
      if (value === undefined) return [];
      const earlier = seen.get(value);
      seen.set(value, earlier ?? placed.place);
      if (earlier === undefined) return [];
      return [
        {
          path: `${placed.place}.${field}`,
          found: `${value}, which is also ${earlier}.${field}`,
          wanted: `a ${field} of its own`,
          next,
        },
      ];
    });
  });
}

export function addressProblems({ nodes }: Draft): Problem[] {
  return nodes
    .filter(({ address }) => address === undefined)
    .map(({ place, node }) => ({
      path: `${place}.address`,
      found: "nothing",
      wanted: `the IPv4 address of ${node.name}`,
      next: `${node.host} is a name; peers and certificates need the address it stands for.`,
    }));
}

/** The kubelet may give itself only a few labels under kubernetes.io (NodeRestriction). */
export function labelProblems({ nodes }: Draft): Problem[] {
  const restricted = /^(?:[a-z0-9.-]+\.)?(?:kubernetes|k8s)\.io\//;
  const allowed = /^(?:[a-z0-9.-]+\.)?(?:kubelet|node)\.kubernetes\.io\//;
  return nodes.flatMap(({ place, node }) =>
    Object.keys(node.labels)
      .filter((key) => restricted.test(key) && !allowed.test(key))
      .map((key) => ({
        path: `${place}.labels.${JSON.stringify(key)}`,
        found: "a label that a node may not give itself",
        wanted: "a prefix of your own, kubelet.kubernetes.io or node.kubernetes.io",
        next: "Roles and other kubernetes.io labels are set with kubectl once the node is registered.",
      })),
  );
}

export function checksumProblems({ version, checksums }: Draft): Problem[] {
  if (version === undefined || Object.values(checksumsFor(version, checksums)).some(Boolean)) return [];
  return [
    {
      path: "checksums",
      found: `nothing, and ${version} is not among the pinned releases`,
      wanted: "the sha256 of its binary for each architecture you use",
      next: `Take the line of k3s from ${checksumUrl(version, "amd64")} (k3s-arm64 from ${checksumUrl(version, "arm64")}).`,
    },
  ];
}

/** All rules that look at more than one value. Each is pure and gives every problem it finds. */
export const rules: readonly ((draft: Draft) => Problem[])[] = [
  serverCountProblems,
  lostProblems,
  partTimeProblems,
  duplicateProblems,
  addressProblems,
  rangeProblems,
  endpointProblems,
  kubeVipProblems,
  labelProblems,
  checksumProblems,
  ({ version, etcd }) => timingProblems(version, etcd?.timing),
  ({ podFailover }) => podFailoverProblems(podFailover),
  snapshotProblems,
  restoreProblems,
  backupProblems,
  rotateProblems,
];
