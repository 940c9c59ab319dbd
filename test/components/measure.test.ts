import assert from "node:assert/strict";
import { test } from "node:test";
import { measureChange } from "../../components/change.ts";
import { measureAll, measureInput } from "../../components/measuring.ts";
import { requireCluster } from "../../config/parse.ts";
import { agentInputs, exampleInput, serverInputs } from "../unit/example.ts";
import { build } from "./build.ts";

const step = "cluster-preflight-measure";

test("M1 all nodes are measured while they are looked at, and nothing is changed before", async () => {
  const { resources } = await build({ agents: agentInputs(2) });
  for (const node of ["server-1", "server-2", "server-3", "agent-1", "agent-2"]) {
    assert.ok(resources.waits(`${node}-k3s`, step), node);
    assert.ok(resources.waits(`${node}-fetch`, step), node);
  }
  assert.ok(!resources.waits(step, "cluster-reach"));
  const input = measureInput.parse(JSON.parse(String(resources.named(step).inputs.stdin)));
  assert.equal(input.vxlan, true);
  assert.deepEqual(
    input.machines.map(({ name, role, address }) => `${name} ${role} ${address}`),
    [
      "server-1 server 192.0.2.11",
      "server-2 server 192.0.2.12",
      "server-3 server 192.0.2.13",
      "agent-1 agent 198.51.100.1",
      "agent-2 agent 198.51.100.2",
    ],
  );
});

test("M1 measuring is done again when nodes or limits change, and with nothing else", () => {
  const change = (more: object = {}) => measureChange(requireCluster(exampleInput({ ...more })));
  const before = change();
  assert.equal(change({ version: "v1.35.8+k3s1", tlsSans: ["k3s.example.org"], snapshots: ["a"] }), before);
  assert.notEqual(change({ agents: agentInputs(2) }), before);
  assert.notEqual(change({ limits: { roundTripMs: 30 } }), before);
  assert.notEqual(change({ k3s: { flannelBackend: "host-gw" } }), before);
  const [first, second, third] = serverInputs(3);
  assert.notEqual(change({ servers: [first, second, { ...third, lost: true }] }), before);
});

test("S08 nothing counts as measured while a machine cannot be reached", async () => {
  const hostKey = serverInputs(1)[0]!.hostKey;
  const request = { name: "server-1", host: "127.0.0.1", port: 1, hostKey, privateKey: "", waitSeconds: 0 };
  const machine = { name: "server-1", role: "server", address: "192.0.2.11" } as const;
  const machines = [{ ...machine, request: JSON.stringify(request) }];
  const input = measureInput.parse({ limits: {}, vxlan: true, vip: null, machines });
  await assert.rejects(measureAll(input), /not measured, since server-1 cannot be reached; the next run/);
});
