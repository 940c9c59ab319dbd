import assert from "node:assert/strict";
import { test } from "node:test";
import { stackConfig } from "../../../lab/stack-config.ts";
import { topologyOf } from "../../../lab/topology.ts";

test("topology: servers from .11, agents from .21, the endpoint at .10", () => {
  const { nodes, vip } = topologyOf("10.87.3.1", 3, 1);
  assert.equal(vip, "10.87.3.10");
  assert.deepEqual(
    nodes.map(({ name, address }) => `${name} ${address}`),
    ["server-1 10.87.3.11", "server-2 10.87.3.12", "server-3 10.87.3.13", "agent-1 10.87.3.21"],
  );
});

for (const [servers, agents, message] of [
  [2, 0, /--servers: found 2, want 1, 3, 5 or 7/],
  [0, 0, /--servers: found 0/],
  [9, 0, /--servers: found 9/],
  [3, -1, /--agents: found -1/],
] as const) {
  test(`topology: ${servers} servers and ${agents} agents are refused`, () =>
    assert.throws(() => topologyOf("10.87.3.1", servers, agents), message));
}

test("stack config: what the stack file says stays, what the instance knows is its own", () => {
  const file = `
config:
  homelab-k3s:protect: false
  homelab-k3s:endpoint: { provider: kube-vip, address: 10.87.0.10, lease: { duration: 5, renew: 3, retry: 1 } }
  homelab-k3s:servers: [{ name: other }]
`;
  const config = stackConfig(file, {
    topology: topologyOf("10.87.3.1", 1, 0),
    hostKeys: { "server-1": "ssh-ed25519 AAAA" },
    version: "v1.34.2+k3s1",
    mirror: "http://10.87.3.1:8080",
    sha256: "ab",
    arch: "amd64",
    snapshots: ["one"],
  });
  assert.deepEqual(config, {
    "homelab-k3s:protect": false,
    "homelab-k3s:endpoint": {
      provider: "kube-vip",
      address: "10.87.3.10",
      lease: { duration: 5, renew: 3, retry: 1 },
    },
    "homelab-k3s:version": "v1.34.2+k3s1",
    "homelab-k3s:servers": [
      { name: "server-1", host: "10.87.3.11", address: "10.87.3.11", hostKey: "ssh-ed25519 AAAA" },
    ],
    "homelab-k3s:agents": [],
    "homelab-k3s:download": { mirror: "http://10.87.3.1:8080" },
    "homelab-k3s:checksums": { amd64: "ab" },
    "homelab-k3s:snapshots": ["one"],
  });
});

test("stack config: what machines have no images for is left out, and keepalived stands in for kube-vip", () => {
  const file = `
config:
  homelab-k3s:endpoint: { provider: kube-vip, address: 10.87.0.10, lease: { duration: 5, renew: 3, retry: 1 } }
  homelab-k3s:k3s: { disable: [traefik], flannelBackend: host-gw }
`;
  const config = stackConfig(file, {
    topology: topologyOf("10.87.3.1", 1, 0),
    hostKeys: {},
    version: "v1.34.8+k3s1",
    mirror: "http://10.87.3.1:8080",
    sha256: "ab",
    arch: "amd64",
    snapshots: [],
    pods: { endpoint: "keepalived", disable: ["coredns", "traefik"] },
  });
  assert.deepEqual(config["homelab-k3s:endpoint"], { provider: "keepalived", address: "10.87.3.10" });
  assert.deepEqual(config["homelab-k3s:k3s"], { disable: ["traefik", "coredns"], flannelBackend: "host-gw" });
});
