import { command } from "./command.ts";

/** Labs are numbered 0 to 199: their subnets are 10.87.0.0/24 to 10.87.199.0/24. */
export const MAX_LABS = 200;

/** Addresses and names of a lab's network; they follow from its index. */
export interface LabNetwork {
  /** The host's bridge, also the prefix of everything else that carries a name of its own. */
  bridge: string;
  cidr: string;
  /** The host's address on the bridge, and the machines' default route. */
  hostAddress: string;
  /** Free for the cluster's endpoint; no machine may have it. */
  vip: string;
}

export function networkOf(index: number): LabNetwork {
  const address = (host: number) => `10.87.${index}.${host}`;
  return { bridge: `k3slab${index}`, cidr: `${address(0)}/24`, hostAddress: address(1), vip: address(10) };
}

/**
 * The lowest index that no lab has and whose subnet the host does not route anywhere yet.
 * @param routes destinations of the host's routes, `A.B.C.D/N`, `A.B.C.D` or `default`
 * @throws when there is none
 */
export function pickIndex(taken: readonly number[], routes: readonly string[]): number {
  for (let index = 0; index < MAX_LABS; index++) {
    const { cidr } = networkOf(index);
    if (!taken.includes(index) && !routes.some((route) => overlaps(route, cidr))) return index;
  }
  throw new Error(
    `lab: no free subnet in 10.87.0.0/24 to 10.87.${MAX_LABS - 1}.0/24: ${taken.length} taken by labs, the rest routed by this host ` +
      "(`ip route`). Remove a lab with `npm run lab:down`, or the route",
  );
}

/** Whether two IPv4 ranges share an address. `default` overlaps nothing: it is there for what has no other route. */
export function overlaps(a: string, b: string): boolean {
  if (a === "default" || b === "default") return false;
  const [left, right] = [range(a), range(b)];
  const bits = Math.min(left.bits, right.bits);
  const mask = bits === 0 ? 0 : (0xffffffff << (32 - bits)) >>> 0;
  return (left.base & mask) === (right.base & mask);
}

function range(cidr: string): { base: number; bits: number } {
  const [address = "", bits = "32"] = cidr.split("/");
  return { base: address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0), bits: Number(bits) };
}

/** Destinations of the host's IPv4 routes in its main table. */
export async function hostRoutes(): Promise<string[]> {
  const { stdout } = await command("ip", ["-json", "-4", "route", "show"]);
  return (JSON.parse(stdout || "[]") as { dst: string }[]).map((route) => route.dst);
}

/**
 * Makes the bridge with the host's address on it; nothing to do when it is there.
 * @throws when the host has come to route the subnet elsewhere since the lab was made
 */
export async function ensureBridge(network: LabNetwork, index: number): Promise<void> {
  if (await linkExists(network.bridge)) return;
  const taken = (await hostRoutes()).find((route) => overlaps(route, network.cidr));
  if (taken !== undefined) {
    throw new Error(
      `lab network ${network.cidr}: found a route of this host to ${taken}, want none (\`ip route\`). ` +
        "Remove the route, or the lab with `npm run lab:down` and make it again",
    );
  }
  // A bridge without a MAC address of its own changes it as machines come and go, and every ARP cache with it.
  const mac = `02:87:00:00:00:${index.toString(16).padStart(2, "0")}`;
  await ip(
    "link",
    "add",
    network.bridge,
    "address",
    mac,
    "type",
    "bridge",
    "stp_state",
    "0",
    "forward_delay",
    "0",
  );
  await ip("address", "add", `${network.hostAddress}/24`, "dev", network.bridge);
  await ip("link", "set", network.bridge, "up");
}

/** Also finds links by their alternative name, where nspawn keeps names of more than 15 characters. */
export async function linkExists(name: string): Promise<boolean> {
  return (await command("ip", ["link", "show", "dev", name], { allowFailure: true })).code === 0;
}

/** The links that hang on the bridge; none when there is no such bridge. */
export async function bridgePorts(bridge: string): Promise<string[]> {
  const { stdout } = await command("ip", ["-json", "link", "show", "master", bridge], { allowFailure: true });
  return (JSON.parse(stdout || "[]") as { ifname?: string }[]).flatMap(({ ifname }) => ifname ?? []);
}

/** Nothing to do when there is no such link. */
export async function deleteLink(name: string): Promise<void> {
  const { code } = await command("ip", ["link", "delete", "dev", name], { allowFailure: true });
  if (code !== 0 && (await linkExists(name))) await ip("link", "delete", "dev", name);
}

export async function setLink(name: string, state: "up" | "down"): Promise<void> {
  await ip("link", "set", "dev", name, state);
}

async function ip(...args: string[]): Promise<void> {
  await command("ip", args);
}
