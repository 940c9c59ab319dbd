import { balancerProblems } from "./balancer-rules.ts";
import type { Draft } from "./draft.ts";
import { ipv4Pattern } from "./grammar.ts";
import {
  addressNumber,
  contains,
  type Network,
  networkOf,
  networkSize,
  networkText,
  overlap,
  parseNetwork,
} from "./network.ts";
import type { Problem } from "./problems.ts";

/** kube-controller-manager gives every node a /24 of the pod range and accepts at most 16 bits above it. */
const podsPerNodePrefix = 24;
const widestPodPrefix = 8;
/** kube-apiserver's limit for the service range; under 256 addresses a cluster soon runs out of Services. */
const widestServicePrefix = 12;
const narrowestServicePrefix = 24;

/** Pod and service ranges: written as networks, large enough, apart from each other and from the nodes. */
export function rangeProblems(draft: Draft): Problem[] {
  const { k3s, nodes } = draft;
  if (!k3s) return [];
  const problems: Problem[] = [];
  const pods = parseNetwork(k3s.clusterCidr);
  const services = parseNetwork(k3s.serviceCidr);

  for (const [path, written, network] of [
    ["k3s.clusterCidr", k3s.clusterCidr, pods],
    ["k3s.serviceCidr", k3s.serviceCidr, services],
  ] as const) {
    if (networkText(network) !== written) {
      problems.push({
        path,
        found: written,
        wanted: networkText(network),
        next: "Write the first address of the network.",
      });
    }
  }
  const room = networkSize(pods.prefix) / networkSize(podsPerNodePrefix);
  if (pods.prefix < widestPodPrefix || room < nodes.length) {
    problems.push({
      path: "k3s.clusterCidr",
      found: `${k3s.clusterCidr}, room for ${Math.floor(room)} nodes`,
      wanted: `a /${podsPerNodePrefix} for each of ${nodes.length} nodes, and a prefix of at least /${widestPodPrefix}`,
      next: "Take a range such as 10.42.0.0/16. It cannot be changed once the cluster lives.",
    });
  }
  if (services.prefix < widestServicePrefix || services.prefix > narrowestServicePrefix) {
    problems.push({
      path: "k3s.serviceCidr",
      found: k3s.serviceCidr,
      wanted: `a network from /${widestServicePrefix} to /${narrowestServicePrefix}`,
      next: "Take a range such as 10.43.0.0/16. It cannot be changed once the cluster lives.",
    });
  }
  if (overlap(pods, services)) {
    problems.push({
      path: "k3s.serviceCidr",
      found: `${k3s.serviceCidr}, which overlaps k3s.clusterCidr ${k3s.clusterCidr}`,
      wanted: "two ranges without a common address",
      next: "Move one of them.",
    });
  }
  if (k3s.clusterDns && !contains(services, addressNumber(k3s.clusterDns))) {
    problems.push({
      path: "k3s.clusterDns",
      found: k3s.clusterDns,
      wanted: `an address in k3s.serviceCidr ${k3s.serviceCidr}`,
      next: "Leave it out, or take an address of that range.",
    });
  }
  return [...problems, ...nodesInsideRanges(draft, { pods, services })];
}

interface Ranges {
  readonly pods: Network;
  readonly services: Network;
}

function insideRange(address: string, { pods, services }: Ranges): string | undefined {
  if (!ipv4Pattern.test(address)) return undefined;
  if (contains(pods, addressNumber(address))) return `inside the pod range ${networkText(pods)}`;
  if (contains(services, addressNumber(address))) return `inside the service range ${networkText(services)}`;
  return undefined;
}

function nodesInsideRanges(draft: Draft, ranges: Ranges): Problem[] {
  return draft.nodes.flatMap(({ place, address, node }) => {
    const inside = address && insideRange(address, ranges);
    if (!inside) return [];
    return [
      {
        path: `${place}.address`,
        found: `${address} of ${node.name}, ${inside}`,
        wanted: "an address outside of both ranges",
        next: "Move the range: its packets would not leave the node.",
      },
    ];
  });
}

/** The virtual address: outside the ranges, nobody's own, and on the servers' LAN. */
export function endpointProblems(draft: Draft): Problem[] {
  const { endpoint, k3s, nodes } = draft;
  if (endpoint?.provider === "haproxy") return balancerProblems(draft, endpoint);
  if (endpoint?.provider !== "kube-vip" && endpoint?.provider !== "keepalived") return [];
  const problems: Problem[] = [];
  const path = "endpoint.address";
  const next = "Take a free address of the servers' LAN that DHCP does not hand out.";

  const ranges = k3s && { pods: parseNetwork(k3s.clusterCidr), services: parseNetwork(k3s.serviceCidr) };
  const inside = ranges && insideRange(endpoint.address, ranges);
  if (inside) {
    problems.push({
      path,
      found: `${endpoint.address}, ${inside}`,
      wanted: "an address outside of both ranges",
      next,
    });
  }
  for (const { place, address, node } of nodes) {
    if (address === endpoint.address || node.host === endpoint.address) {
      problems.push({
        path,
        found: `${endpoint.address}, the address of ${place} ${node.name}`,
        wanted: "an address that no node has",
        next,
      });
    }
  }
  const servers = nodes.filter(({ role }) => role === "server");
  const carriers = servers.map(({ place, address, node }) => ({ place, address, name: node.name }));
  return [...problems, ...lanProblems(carriers, "the servers' LAN", endpoint.address, endpoint.subnet)];
}

/** A machine between which, and others, an address moves. */
export interface CarrierPlace {
  readonly place: string;
  readonly name: string;
  readonly address: string | undefined;
}

/** Gratuitous ARP does not cross a router: the address and all that may carry it must be on one LAN. */
export function lanProblems(
  carriers: readonly CarrierPlace[],
  what: string,
  vip: string,
  written: string | undefined,
): Problem[] {
  const first = carriers.find(({ address }) => address !== undefined)?.address;
  if (!first) return [];
  const lan = written ? parseNetwork(written) : networkOf(addressNumber(first), 24);
  const guess = written
    ? "Correct endpoint.subnet."
    : "If the LAN is not this /24, write it as endpoint.subnet.";
  const outside = (address: string) => !contains(lan, addressNumber(address));
  const problems: Problem[] = carriers.flatMap(({ place, name, address }) =>
    address && outside(address)
      ? [
          {
            path: `${place}.address`,
            found: `${address} of ${name}, which is not in ${networkText(lan)}`,
            wanted: "all of them on the LAN of the virtual address",
            next: guess,
          },
        ]
      : [],
  );
  if (!outside(vip)) return problems;
  const found = `${vip}, which is not in ${networkText(lan)}`;
  return [{ path: "endpoint.address", found, wanted: `an address on ${what}`, next: guess }, ...problems];
}
