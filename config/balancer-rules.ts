import { type Draft, ownAddress } from "./draft.ts";
import { lanProblems } from "./network-rules.ts";
import type { Problem } from "./problems.ts";
import type { HaproxyConfig } from "./schema.ts";

type Parsed = Extract<NonNullable<Draft["endpoint"]>, { provider: "haproxy" }>;

/** HAProxy on one machine, or on two with an address between them; on none that has port 6443 taken. */
export function balancerProblems(draft: Draft, endpoint: Parsed): Problem[] {
  const { balancers } = endpoint;
  if (balancers.length < 1 || balancers.length > 2) {
    return [
      {
        path: "endpoint.balancers",
        found: `${balancers.length} machines`,
        wanted: "one or two",
        next: "With two, the address moves between them; a third adds nothing.",
      },
    ];
  }
  if (balancers.every(({ lost }) => lost)) {
    return [
      {
        path: "endpoint.balancers",
        found: "nothing but machines that are lost",
        wanted: "one that lives",
        next: "Add another machine, or take a provider that needs none: kube-vip or keepalived.",
      },
    ];
  }
  const placed = balancers.map((machine, index) => ({
    place: `endpoint.balancers[${index}]`,
    name: machine.name,
    address: ownAddress(machine),
  }));
  return [
    ...placed.filter(({ address }) => address === undefined).map(noAddress),
    ...takenProblems(draft, placed),
    ...addressProblems(endpoint, placed),
  ];
}

type Placed = { place: string; name: string; address: string | undefined };

const noAddress = ({ place, name }: Placed): Problem => ({
  path: `${place}.address`,
  found: "nothing",
  wanted: `the IPv4 address of ${name}`,
  next: "Write it: its host is a name.",
});

/** Names and addresses are nobody else's. A server's port 6443 is its own API's. */
function takenProblems({ nodes }: Draft, placed: readonly Placed[]): Problem[] {
  const others = [
    ...nodes.map(({ place, address, node }) => ({ place, address, name: node.name })),
    ...placed,
  ];
  return placed.flatMap((machine) => {
    const same = others.find(
      (other) =>
        other.place !== machine.place &&
        (other.name === machine.name || (other.address !== undefined && other.address === machine.address)),
    );
    if (!same || (same.place > machine.place && same.place.startsWith("endpoint"))) return [];
    return [
      {
        path: machine.place,
        found: `${machine.name} (${machine.address}), which is also ${same.place}`,
        wanted: "a machine of its own",
        next: "On a server port 6443 is taken: use another machine, or endpoint.provider keepalived, which needs none.",
      },
    ];
  });
}

/** One balancer is the endpoint itself; between two there is an address that neither has. */
function addressProblems(
  { address, subnet }: Pick<HaproxyConfig, "address" | "subnet">,
  placed: readonly Placed[],
): Problem[] {
  const own = placed.find((machine) => machine.address === address);
  if (placed.length === 1) {
    if (own || placed[0]!.address === undefined) return [];
    return [
      {
        path: "endpoint.address",
        found: `${address}, which is not the address of ${placed[0]!.name}`,
        wanted: placed[0]!.address,
        next: "With one balancer its own address is the endpoint; an address that moves needs two.",
      },
    ];
  }
  if (own) {
    return [
      {
        path: "endpoint.address",
        found: `${address}, the address of ${own.name}`,
        wanted: "an address that no machine has",
        next: "It moves between the two: take a free address of their LAN that DHCP does not hand out.",
      },
    ];
  }
  return lanProblems(placed, "the balancers' LAN", address, subnet);
}
