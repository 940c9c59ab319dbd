/** IPv4 arithmetic without dependencies. Addresses are unsigned 32-bit numbers. */

export interface Network {
  /** First address. */
  readonly base: number;
  /** Prefix length, 0 to 32. */
  readonly prefix: number;
}

/** The number of an address in dotted notation. The text must have passed the `ipv4` grammar. */
export function addressNumber(address: string): number {
  return address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
}

/** The dotted notation of an address. */
export function addressText(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join(".");
}

/** How many addresses a prefix length covers. */
export function networkSize(prefix: number): number {
  return 2 ** (32 - prefix);
}

/** Reads `a.b.c.d/n`; host bits are cut off. The text must have passed the `cidr` grammar. */
export function parseNetwork(cidr: string): Network {
  const [address = "", prefix = ""] = cidr.split("/");
  return networkOf(addressNumber(address), Number(prefix));
}

/** The network of the given prefix length that contains `address`. */
export function networkOf(address: number, prefix: number): Network {
  return { base: address - (address % networkSize(prefix)), prefix };
}

export function networkText(network: Network): string {
  return `${addressText(network.base)}/${network.prefix}`;
}

/** Whether the address lies in the network. */
export function contains(network: Network, address: number): boolean {
  return address >= network.base && address < network.base + networkSize(network.prefix);
}

/** Whether two networks share an address. */
export function overlap(a: Network, b: Network): boolean {
  return contains(a, b.base) || contains(b, a.base);
}
