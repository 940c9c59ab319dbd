import { printable } from "../../../config/problems.ts";
import { living } from "../../../config/roster.ts";
import { apiNodes, down, etcds, listed, readOnly, seenNodes, seenServers } from "../cluster.ts";
import type { ClusterFacts } from "../facts.ts";
import type { Finding } from "../finding.ts";

/** Seconds after which a silent kubelet is given up: it renews its Node's lease every 10, the first time 10 after it registered. */
const leaseFresh = 40;

export function nodes(cluster: ClusterFacts): Finding[] {
  const all = apiNodes(cluster);
  const { config } = cluster;
  const known = new Map(living([...config.servers, ...config.agents]).map((node) => [node.name, node]));
  const partTime = new Set(config.partTimeAgents.map(({ name }) => name));
  const dead = down(cluster);
  const stuck = readOnly(cluster);
  const base = { check: "nodes", severity: "warning" } as const;
  if (!all) {
    // etcd's own findings say why, where it is etcd
    if (etcds(cluster).length === 0) return [];
    return [
      {
        ...base,
        severity: "critical",
        node: "cluster",
        found: "etcd has a leader, but no API server answers",
        wanted: "an API that lists its Nodes",
        remedy: "On a server: `journalctl -u k3s` says why.",
      },
    ];
  }
  const draining = new Set(
    seenNodes(cluster)
      .filter(({ facts }) => facts.records.running || facts.records.unfinished.length > 0)
      .map(({ machine }) => machine.name),
  );
  const present = all.flatMap(({ name, ready, silent, cordoned }): Finding[] => {
    const released = cordoned !== "ours" || draining.has(name);
    const left: Finding = {
      ...base,
      node: name,
      found: "its Node was cordoned by a step of this program, which has ended since: it gets no new pods",
      wanted: "pods again, once the step was done",
      remedy: `\`kubectl uncordon ${name}\`; the next step of \`pulumi up\` on this node does it, too.`,
    };
    if (partTime.has(name)) return released ? [] : [left];
    if (!known.has(name))
      return [
        {
          ...base,
          node: "cluster",
          found: `the Node ${name} is not in the stack`,
          wanted: "Nodes of the stack only",
          remedy: `Add it to the stack, or \`kubectl delete node ${name}\`.`,
        },
      ];
    if (dead.has(name) || stuck) return [];
    if (!ready || silent > leaseFresh)
      return [
        {
          ...base,
          node: name,
          found: ready
            ? `its Node is called Ready, but its kubelet was last heard of ${silent} s ago`
            : "its Node is not Ready",
          wanted: `Ready, and heard of in the last ${leaseFresh} s`,
          remedy: "On the node: `journalctl -u k3s -u k3s-agent` says why.",
        },
      ];
    if (!released) return [left];
    if (cordoned === "no" || draining.has(name)) return [];
    return [
      {
        ...base,
        node: name,
        severity: "notice",
        found: "its Node is cordoned: it gets no new pods",
        wanted: "to be known",
        remedy: `\`kubectl uncordon ${name}\`, when what it was cordoned for is done.`,
      },
    ];
  });
  const missing = [...known.keys()]
    .filter((name) => !dead.has(name) && !all.some((node) => node.name === name))
    .map(
      (name): Finding => ({
        ...base,
        node: name,
        found: "the API knows no Node of this name",
        wanted: "a Node that is Ready",
        remedy: "Run `pulumi up --refresh`; docs/nodes.md.",
      }),
    );
  return [...present, ...missing];
}

export function encryption(cluster: ClusterFacts): Finding[] {
  const servers = new Set(living(cluster.config.servers).map(({ name }) => name));
  const dead = down(cluster);
  const keys = new Set(
    (apiNodes(cluster) ?? [])
      .filter(({ name }) => servers.has(name) && !dead.has(name))
      .map((node) => node.keys),
  );
  if (keys.size < 2) return [];
  return [
    {
      severity: "warning",
      check: "encryption",
      node: "cluster",
      found: "servers encrypt Secrets with different keys",
      wanted: "the same keys on all servers",
      remedy: "A rotation is not finished: run `pulumi up`. `k3s secrets-encrypt status` shows its stage.",
    },
  ];
}

/** The value that most have. */
function usual(values: readonly (string | null)[]): string | null {
  const counts = new Map<string, number>();
  for (const value of values) if (value !== null) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0] ?? null;
}

export function token(cluster: ClusterFacts): Finding[] {
  const servers = seenServers(cluster);
  const right = {
    server: usual(servers.flatMap(({ facts }) => [facts.files.digests.server, facts.files.digests.join])),
    agent: usual(servers.map(({ facts }) => facts.files.digests.agent)),
    ca: usual(seenNodes(cluster).map(({ facts }) => facts.files.clusterCa)),
  };
  return seenNodes(cluster).flatMap(({ machine, facts }): Finding[] => {
    const { digests, clusterCa } = facts.files;
    const expected =
      machine.role === "server"
        ? ([
            ["server/token", digests.server, right.server],
            ["the token in config.yaml.d/10-join.yaml", digests.join, right.server],
            ["agent-token in config.yaml", digests.agent, right.agent],
          ] as const)
        : ([["the token in config.yaml.d/10-join.yaml", digests.join, right.agent]] as const);
    const wrong = expected.filter(([, is, wanted]) => is !== null && wanted !== null && is !== wanted);
    const base = { check: "token", node: machine.name } as const;
    if (clusterCa !== null && right.ca !== null && clusterCa !== right.ca)
      return [
        {
          ...base,
          severity: "critical",
          found: `it belongs to another cluster: its CA is ${printable(clusterCa)}, that of the others ${printable(right.ca)}`,
          wanted: "one cluster",
          remedy: "See docs/nodes.md on servers that were reinstalled.",
        },
      ];
    if (wrong.length === 0) return [];
    return [
      {
        ...base,
        severity: "warning",
        found: `${listed(wrong.map(([what]) => what))} ${wrong.length > 1 ? "differ" : "differs"} from that of the other nodes`,
        wanted: "one token: with another, this node does not come back after a restart",
        remedy:
          "Run `pulumi up --refresh`; a rotation that was interrupted is finished by it (docs/rotation.md).",
      },
    ];
  });
}
