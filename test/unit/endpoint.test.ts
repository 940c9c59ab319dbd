import assert from "node:assert/strict";
import { test } from "node:test";
import { haproxyConfig } from "../../config/haproxy.ts";
import { interfaceMark, keepalivedConfig } from "../../config/keepalived.ts";
import { parseCluster, requireCluster } from "../../config/parse.ts";
import { certificateNames, endpointAddress, virtualAddress } from "../../config/render.ts";
import { exampleInput, nodeInput, serverInputs } from "./example.ts";

const balancer = (index: number, more = {}) => nodeInput(`lb-${index}`, `192.0.2.${4 + index}`, more);
const haproxy = (balancers: object[], address = "192.0.2.10") => ({
  endpoint: { provider: "haproxy", address, balancers },
});
const problemsOf = (more: Record<string, unknown>) =>
  parseCluster(exampleInput(more)).problems.map(({ path, found, wanted }) => `${path}: ${found}; ${wanted}`);

test("P1 K1 every kind of endpoint is understood, and says where the API answers", () => {
  const address = (endpoint: object) => {
    const config = requireCluster(exampleInput({ endpoint }));
    return [
      endpointAddress(config),
      virtualAddress(config),
      certificateNames(config, config.servers[0]!).includes(endpointAddress(config)),
    ];
  };
  assert.deepEqual(address({ provider: "keepalived", address: "192.0.2.10" }), [
    "192.0.2.10",
    "192.0.2.10",
    true,
  ]);
  assert.deepEqual(address({ provider: "external", address: "k3s.example.org" }), [
    "k3s.example.org",
    undefined,
    true,
  ]);
  assert.deepEqual(address({ provider: "none" }), ["192.0.2.11", undefined, true]);
  assert.deepEqual(address(haproxy([balancer(1)], "192.0.2.5").endpoint), ["192.0.2.5", undefined, true]);
  assert.deepEqual(address(haproxy([balancer(1), balancer(2)]).endpoint), ["192.0.2.10", "192.0.2.10", true]);
});

test("P1 one balancer is the endpoint itself, between two it moves, and there is no third", () => {
  assert.deepEqual(problemsOf(haproxy([balancer(1)])), [
    "endpoint.address: 192.0.2.10, which is not the address of lb-1; 192.0.2.5",
  ]);
  assert.match(
    problemsOf(haproxy([balancer(1), balancer(2)], "192.0.2.6"))[0]!,
    /192\.0\.2\.6, the address of lb-2/,
  );
  assert.match(problemsOf(haproxy([1, 2, 3].map((i) => balancer(i))))[0]!, /3 machines; one or two/);
  assert.match(problemsOf(haproxy([]))[0]!, /0 machines/);
  assert.match(
    problemsOf(haproxy([balancer(1), balancer(2)], "198.51.100.1"))[0]!,
    /not in 192\.0\.2\.0\/24/,
  );
});

test("P1 one of the balancers must live", () => {
  const lost = (index: number) => ({ ...balancer(index), lost: true });
  assert.deepEqual(problemsOf(haproxy([lost(1), balancer(2)])), []);
  assert.match(
    problemsOf(haproxy([lost(1), lost(2)]))[0]!,
    /nothing but machines that are lost|one that lives/,
  );
});

test("P1 a balancer is a machine of its own, with an address", () => {
  assert.match(
    problemsOf(haproxy([serverInputs(1)[0]!, balancer(2)]))[0]!,
    /server-1 .*also servers\[0\]; a machine of its own/,
  );
  assert.match(
    problemsOf(haproxy([balancer(1), nodeInput("lb-1", "192.0.2.8")]))[0]!,
    /lb-1 .*also endpoint\.balancers\[0\]/,
  );
  assert.match(
    problemsOf(haproxy([nodeInput("lb-1", "lb.example.org")], "192.0.2.5"))[0]!,
    /balancers\[0\]\.address: nothing/,
  );
});

test("K7 the address of keepalived is on the servers' LAN and nobody's own", () => {
  const keepalived = (address: string) => problemsOf({ endpoint: { provider: "keepalived", address } });
  assert.match(keepalived("192.0.2.11")[0]!, /the address of servers\[0\] server-1/);
  assert.match(keepalived("203.0.113.1")[0]!, /not in 192\.0\.2\.0\/24/);
  assert.deepEqual(keepalived("192.0.2.10"), []);
});

test("P1 haproxy.cfg passes TLS through, asks /readyz over HTTPS and names each server once", () => {
  const text = haproxyConfig(requireCluster(exampleInput(haproxy([balancer(1), balancer(2)]))));
  assert.deepEqual(text.match(/^ {2}server .*$/gm), [
    "  server server-1 192.0.2.11:6443",
    "  server server-2 192.0.2.12:6443",
    "  server server-3 192.0.2.13:6443",
  ]);
  for (const part of [
    "mode tcp",
    "option httpchk GET /readyz",
    "http-check expect rstatus ^(200|401)$",
    "check-ssl verify none",
    "on-marked-down shutdown-sessions",
    "option redispatch 1",
    "timeout connect 500ms",
  ])
    assert.ok(text.includes(part), part);
  const reordered = exampleInput({
    ...haproxy([balancer(1), balancer(2)]),
    servers: serverInputs(3).reverse(),
  });
  assert.equal(haproxyConfig(requireCluster(reordered)), text, "the order of the list does not matter");
});

test("K7 keepalived.conf: nobody begins as master, no two have one priority, peers are asked by address", () => {
  const carriers = [1, 2, 3].map((i) => ({ name: `server-${i}`, address: `192.0.2.1${i}` }));
  const texts = carriers.map((own) =>
    keepalivedConfig(own, { address: "192.0.2.10", routerId: 51, carriers }),
  );
  assert.equal(new Set(texts.map((text) => /priority (\d+)/.exec(text)?.[1])).size, 3);
  for (const text of texts) assert.match(text, /state BACKUP\n {2}nopreempt/);
  assert.match(
    texts[1]!,
    /unicast_src_ip 192\.0\.2\.12\n {2}unicast_peer \{\n {4}192\.0\.2\.11\n {4}192\.0\.2\.13\n/,
  );
  assert.ok(texts[0]!.includes(interfaceMark));
  assert.match(
    keepalivedConfig(carriers[0]!, { address: "192.0.2.10", routerId: 7, interface: "eno1", carriers }),
    /interface eno1\n {2}virtual_router_id 7/,
  );
});
