import { apiPort } from "./render.ts";

/** One of the machines between which an address moves. */
export interface Carrier {
  readonly name: string;
  readonly address: string;
}

export interface KeepalivedArgs {
  readonly address: string;
  readonly routerId: number;
  readonly interface?: string | undefined;
  /** All machines between which the address moves. */
  readonly carriers: readonly Carrier[];
}

/** Stands where the node puts the interface that carries its own address. */
export const interfaceMark = "@interface@";

/**
 * Seconds between two advertisements. A master that falls silent is given up after three of them and a fraction: two
 * seconds, where VRRP's usual second makes it four.
 */
const advertiseEvery = 0.5;

/** The highest priority; each further carrier has one less, so that no two are equal. */
const firstPriority = 150;

/**
 * `keepalived.conf` of one carrier. All begin as backups and none takes the address from one that works. Advertisements
 * go to the peers' own addresses: switches and clouds that drop multicast do not matter. Who does not answer `/ping` on
 * its own port gives the address up within about a second and a half.
 */
export function keepalivedConfig(
  own: Carrier,
  { address, routerId, carriers, ...more }: KeepalivedArgs,
): string {
  const names = carriers.map(({ name }) => name).sort();
  const priority = firstPriority - names.indexOf(own.name);
  const peers = carriers.filter(({ name }) => name !== own.name).map((peer) => `    ${peer.address}`);
  return `global_defs {
  router_id ${own.name}
  vrrp_version 3
  enable_script_security
  script_user root
  # announced every second: whoever carried it before, another keepalived or kube-vip, may have announced it last, and
  # when it goes nobody else would tell the clients for as long
  vrrp_garp_master_refresh 1
}

vrrp_script api {
  script "/usr/bin/curl --silent --fail --insecure --noproxy * --max-time 1 --output /dev/null https://127.0.0.1:${apiPort}/ping"
  interval 1
  timeout 2
  fall 2
  rise 2
}

vrrp_instance api {
  state BACKUP
  nopreempt
  interface ${more.interface ?? interfaceMark}
  virtual_router_id ${routerId}
  priority ${priority}
  advert_int ${advertiseEvery}
  unicast_src_ip ${own.address}
  unicast_peer {
${peers.sort().join("\n")}
  }
  virtual_ipaddress {
    ${address}/32
  }
  track_script {
    api
  }
}
`;
}
