import assert from "node:assert/strict";
import { test } from "node:test";
import { policies } from "../../policy/pack.ts";
import { oneVersion } from "../../policy/releases.ts";
import {
  endpointInCertificates,
  serversInChain,
  serversOdd,
  serversProtected,
} from "../../policy/servers.ts";
import { daemonSet, server, servers, serverWith } from "./samples.ts";
import { stackViolations } from "./validate.ts";

const baseline = [...servers(3), daemonSet()];

test("no policy objects to three protected servers in a chain with their address in every certificate", async () => {
  for (const policy of policies) {
    if ("validateStack" in policy) assert.deepEqual(await stackViolations(policy, baseline), [], policy.name);
  }
});

test("servers-odd: two servers", async () => {
  assert.deepEqual(await stackViolations(serversOdd, servers(2)), [
    "2 servers survive no more losses than 1. Use 1, 3, 5 or 7.",
  ]);
});

test("servers-in-chain: the third waits for the first only", async () => {
  const samples = [...servers(2), server(3, { after: ["server-1"] })];
  assert.deepEqual(await stackViolations(serversInChain, samples), [
    "server-2 and server-3 do not wait for each other: both could be down at once.",
  ]);
});

test("servers-protected: one server unprotected, where it matters", async () => {
  const samples = [server(1, { opts: { protect: false } }), ...servers(3).slice(1)];
  assert.deepEqual(await stackViolations(serversProtected, samples), [
    "server-1 is not protected in stack homelab: one deleted line would delete it.",
  ]);
  assert.deepEqual(await stackViolations(serversProtected, samples, "lab"), []);
});

test("endpoint-in-certificates: one server without the virtual address", async () => {
  const samples = [
    server(1),
    serverWith({ stdin: "token: x\n---\ntls-san: [192.0.2.12]\n" }, 2),
    server(3),
    daemonSet(),
  ];
  assert.deepEqual(await stackViolations(endpointInCertificates, samples), [
    "192.0.2.10 is not in tls-san of server-2: clients would refuse it there.",
  ]);
});

test("one-version: one server with another release", async () => {
  const other = String(server(2).props.create).replace("v1.34.2", "v1.34.11");
  const samples = [server(1), serverWith({ create: other }, 2), server(3)];
  assert.deepEqual(await stackViolations(oneVersion, samples), [
    "nodes get different releases: v1.34.11+k3s1, v1.34.2+k3s1.",
  ]);
});

test("a lost server may be unprotected, of an older release and without the virtual address", async () => {
  const create = String(server(1).props.create).replace("v1.34.2", "v1.33.5");
  const old = serverWith({ create, stdin: "token: x\n---\ntls-san: []\n" });
  const unprotected = { ...old, opts: { ...old.opts, protect: false } };
  const lost = { ...old, opts: { ...unprotected.opts, ignoreChanges: ["*"] } };
  for (const policy of [serversProtected, oneVersion, endpointInCertificates]) {
    const samples = (first: typeof old) => [first, ...servers(3).slice(1), daemonSet()];
    assert.deepEqual(await stackViolations(policy, samples(lost)), [], policy.name);
    assert.equal((await stackViolations(policy, samples(unprotected))).length, 1, policy.name);
  }
});
