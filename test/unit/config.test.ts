import assert from "node:assert/strict";
import { test } from "node:test";
import { parseCluster, requireCluster } from "../../config/parse.ts";
import { problemLine } from "../../config/problems.ts";
import { agentInputs, exampleInput, nodeInput, serverInputs } from "./example.ts";

const linesFor = (more: Record<string, unknown>) =>
  parseCluster(exampleInput(more)).problems.map(problemLine);

/** One wrong configuration and everything that must be said about it. */
const cases: readonly { name: string; change: Record<string, unknown>; says: readonly RegExp[] }[] = [
  {
    name: "S01: no server",
    change: { servers: [] },
    says: [/^servers: found no server; wanted 1, 3, 5 or 7 servers/],
  },
  {
    name: "S01: two servers",
    change: { servers: serverInputs(2) },
    says: [
      /^servers: found 2 servers, whose quorum of 2 survives 0 lost; wanted 1, 3, 5 or 7 servers\. One server survives/,
    ],
  },
  {
    name: "S01: four servers",
    change: { servers: serverInputs(4) },
    says: [/^servers: found 4 servers, whose quorum of 3 survives 1 lost/],
  },
  {
    name: "S01: nine servers",
    change: { servers: serverInputs(9) },
    says: [/^servers: found 9 servers.*agents/],
  },
  {
    name: "H3: a server that is off most of the time",
    change: { servers: serverInputs(3).with(1, nodeInput("server-2", "192.0.2.12", { partTime: true })) },
    says: [/^servers\[1\]\.partTime: found a server that may be off; wanted servers that are always on/],
  },
  {
    name: "H3: a part-time agent that is lost, or taken over",
    change: {
      agents: [
        nodeInput("tower", "198.51.100.1", { partTime: true, lost: true }),
        nodeInput("laptop", "198.51.100.2", { partTime: true, existing: "adopt" }),
      ],
    },
    says: [
      /^agents\[0\]\.lost: found a part-time agent that is declared lost; wanted nothing: it may be off/,
      /^agents\[1\]\.existing: found a part-time agent whose k3s is taken over/,
    ],
  },
  {
    name: "P5: encryption keys rotated where Secrets are not encrypted",
    change: { k3s: { secretsEncryption: false }, rotate: { encryptionKeys: 1 } },
    says: [/^rotate\.encryptionKeys: found 1, and k3s\.secretsEncryption is false/],
  },
  {
    name: "P5: a counter that is none",
    change: { rotate: { certificates: -1 } },
    says: [/^rotate\.certificates: .*wanted a whole number from 0 to 999/],
  },
  {
    name: "S02: one name twice, across roles",
    change: { agents: [nodeInput("server-2", "198.51.100.1")] },
    says: [/^agents\[0\]\.name: found server-2, which is also servers\[1\]\.name/],
  },
  {
    name: "S02: one address twice",
    change: { agents: [nodeInput("agent-1", "192.0.2.12")] },
    says: [/^agents\[0\]\.address: found 192\.0\.2\.12, which is also servers\[1\]\.address/],
  },
  {
    name: "S03: ranges overlap",
    change: { k3s: { clusterCidr: "10.40.0.0/13", serviceCidr: "10.43.0.0/16" } },
    says: [/^k3s\.serviceCidr: found 10\.43\.0\.0\/16, which overlaps k3s\.clusterCidr 10\.40\.0\.0\/13/],
  },
  {
    name: "S03: pod range too small for the nodes",
    change: { k3s: { clusterCidr: "10.42.0.0/23" } },
    says: [/^k3s\.clusterCidr: found 10\.42\.0\.0\/23, room for 2 nodes; wanted a \/24 for each of 4 nodes/],
  },
  {
    name: "S03: service range too small",
    change: { k3s: { serviceCidr: "10.43.0.0/28" } },
    says: [/^k3s\.serviceCidr: found 10\.43\.0\.0\/28; wanted a network from \/12 to \/24/],
  },
  {
    name: "S25: every server is lost",
    change: { servers: serverInputs(3).map((server) => ({ ...server, lost: true })) },
    says: [/^servers: found only servers that are declared lost; wanted at least one that lives/],
  },
  {
    name: "S03: host bits in a range",
    change: { k3s: { clusterCidr: "10.42.0.1/16" } },
    says: [/^k3s\.clusterCidr: found 10\.42\.0\.1\/16; wanted 10\.42\.0\.0\/16/],
  },
  {
    name: "S03: the virtual address inside the pod range",
    change: { endpoint: { provider: "kube-vip", address: "10.42.0.10", subnet: "0.0.0.0/0" } },
    says: [/^endpoint\.address: found 10\.42\.0\.10, inside the pod range 10\.42\.0\.0\/16/],
  },
  {
    name: "S03: the virtual address inside the service range",
    change: { endpoint: { provider: "kube-vip", address: "10.43.0.10", subnet: "0.0.0.0/0" } },
    says: [/^endpoint\.address: found 10\.43\.0\.10, inside the service range/],
  },
  {
    name: "S03: the virtual address is a node's",
    change: { endpoint: { provider: "kube-vip", address: "192.0.2.12" } },
    says: [/^endpoint\.address: found 192\.0\.2\.12, the address of servers\[1\] server-2/],
  },
  {
    name: "S03: the virtual address off the servers' LAN",
    change: { endpoint: { provider: "kube-vip", address: "203.0.113.10" } },
    says: [/^endpoint\.address: found 203\.0\.113\.10, which is not in 192\.0\.2\.0\/24.*endpoint\.subnet/],
  },
  {
    name: "S03: a server off the LAN of the virtual address",
    change: { servers: [...serverInputs(2), nodeInput("server-3", "203.0.113.3")] },
    says: [/^servers\[2\]\.address: found 203\.0\.113\.3 of server-3, which is not in 192\.0\.2\.0\/24/],
  },
  {
    name: "S03: a node inside the pod range",
    change: { agents: [nodeInput("agent-1", "10.42.3.4")] },
    says: [/^agents\[0\]\.address: found 10\.42\.3\.4 of agent-1, inside the pod range/],
  },
  {
    name: "S03: cluster DNS outside the service range",
    change: { k3s: { clusterDns: "10.44.0.10" } },
    says: [/^k3s\.clusterDns: found 10\.44\.0\.10; wanted an address in k3s\.serviceCidr 10\.43\.0\.0\/16/],
  },
  {
    name: "S04: a shared flag on one server",
    change: {
      servers: [...serverInputs(2), nodeInput("server-3", "192.0.2.13", { flannelBackend: "host-gw" })],
    },
    says: [
      /^servers\[2\]\.flannelBackend: found a key that is not known here.*equal on all servers: write it once, under k3s/,
    ],
  },
  ...["latest", "stable", "v1.34", "1.34.2+k3s1", "v1.34.2", "v1.34.2-rc1+k3s1"].map((version) => ({
    name: `S05: floating version ${version}`,
    change: { version },
    says: [/^version: found ".*"; wanted an exact release such as v1\.34\.2\+k3s1/],
  })),
  {
    name: "S05: a version that is not pinned, without checksums",
    change: { version: "v1.30.99+k3s9" },
    says: [
      /^checksums: found nothing, and v1\.30\.99\+k3s9 is not among the pinned.*v1\.30\.99%2Bk3s9\/sha256sum-amd64\.txt/,
    ],
  },
  {
    name: "S06: misspelt keys at every depth, all at once",
    change: {
      sevrers: [],
      k3s: { clusterCIDR: "10.0.0.0/8" },
      servers: [nodeInput("a", "192.0.2.11", { hostkey: "x" })],
    },
    says: [
      /^servers\[0\]\.hostkey: found a key that is not known here.*Did you mean hostKey\?/,
      /^k3s\.clusterCIDR: .*Did you mean clusterCidr\?/,
      /^sevrers: .*Did you mean servers\?/,
    ],
  },
  {
    name: "S06: strings for booleans and numbers",
    change: { k3s: { secretsEncryption: "true" }, agentsParallel: "four" },
    says: [
      /^agentsParallel: found "four"; wanted a whole number from 1 to 32/,
      /^k3s\.secretsEncryption: found "true"; wanted true or false\. Write it without quotes/,
    ],
  },
  {
    name: "S07: a node without a pinned host key",
    change: { agents: [{ name: "agent-1", host: "198.51.100.1" }] },
    says: [/^agents\[0\]\.hostKey: found nothing; wanted a public host key/],
  },
  {
    name: "an RSA host key, which the provider could not use",
    change: {
      agents: [
        { ...agentInputs(1)[0], hostKey: "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQC0000000000000000000" },
      ],
    },
    says: [/^agents\[0\]\.hostKey: .*wanted a public host key of type ssh-ed25519/],
  },
  {
    name: "D3: an external datastore beside embedded etcd",
    change: { k3s: { datastoreEndpoint: "mysql://x" } },
    says: [/^k3s\.datastoreEndpoint: .*embedded etcd; an external datastore/],
  },
  {
    name: "a lease that never elects anyone",
    change: {
      endpoint: { provider: "kube-vip", address: "192.0.2.10", lease: { duration: 3, renew: 2, retry: 2 } },
    },
    says: [/^endpoint\.lease: found duration 3, renew 2, retry 2/],
  },
  {
    name: "a kube-vip that loses its address",
    change: {
      endpoint: {
        provider: "kube-vip",
        address: "192.0.2.10",
        image: `ghcr.io/kube-vip/kube-vip:v1.0.2@sha256:${"a".repeat(64)}`,
      },
    },
    says: [
      /^endpoint\.image: found ghcr\.io\/kube-vip\/kube-vip:v1\.0\.2: the address is lost after an etcd timeout/,
    ],
  },
  {
    name: "an image by tag",
    change: {
      endpoint: { provider: "kube-vip", address: "192.0.2.10", image: "ghcr.io/kube-vip/kube-vip:v1.1.2" },
    },
    says: [/^endpoint\.image: .*wanted an image pinned by digest/],
  },
  {
    name: "a label that a kubelet may not give itself",
    change: {
      agents: [nodeInput("agent-1", "198.51.100.1", { labels: { "node-role.kubernetes.io/worker": "" } })],
    },
    says: [
      /^agents\[0\]\.labels\."node-role\.kubernetes\.io\/worker": found a label that a node may not give itself/,
    ],
  },
  {
    name: "a host name without an address",
    change: { agents: [nodeInput("agent-1", "tower.example.org")] },
    says: [/^agents\[0\]\.address: found nothing; wanted the IPv4 address of agent-1/],
  },
  {
    name: "one snapshot twice",
    change: { snapshots: ["a", "b", "a"] },
    says: [/^snapshots\[2\]: found a, which is also snapshots\[0\]/],
  },
  {
    name: "an unknown provider of the endpoint",
    change: { endpoint: { provider: "traefik" } },
    says: [/^endpoint(\.provider)?: .*wanted one of kube-vip, haproxy, keepalived, external, none/],
  },
  {
    name: "problems of different kinds are found together",
    change: { version: "latest", servers: serverInputs(2), agents: [nodeInput("server-1", "198.51.100.1")] },
    says: [/^version: /, /^servers: found 2/, /^agents\[0\]\.name: /],
  },
];

for (const { name, change, says } of cases) {
  test(name, () => {
    const lines = linesFor(change);
    for (const line of says) assert.match(lines.find((found) => line.test(found)) ?? lines.join("\n"), line);
    assert.equal(lines.length, says.length, lines.join("\n"));
  });
}

test("defaults are the safe ones", () => {
  const config = requireCluster(exampleInput());
  assert.equal(config.k3s.secretsEncryption, true);
  assert.equal(config.protect, true);
  assert.equal(config.agentsParallel, 4);
  assert.deepEqual(config.ssh, { user: "root", port: 22 });
  assert.deepEqual(config.servers[0], {
    ...serverInputs(1)[0],
    role: "server",
    address: "192.0.2.11",
    user: "root",
    port: 22,
    labels: {},
    taints: [],
    protect: true,
    lost: false,
  });
  assert.match(config.endpoint.provider === "kube-vip" ? config.endpoint.image : "", /@sha256:[0-9a-f]{64}$/);
});

for (const count of [1, 3, 5, 7]) {
  test(`S01: ${count} servers are accepted`, () =>
    assert.deepEqual(linesFor({ servers: serverInputs(count) }), []));
}
