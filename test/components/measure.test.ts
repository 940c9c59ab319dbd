import assert from "node:assert/strict";
import { test } from "node:test";
import { lookInput } from "../../components/look.ts";
import { agentInputs } from "../unit/example.ts";
import { build } from "./build.ts";

test("M1 all nodes are looked at and measured, before the first one is changed", async () => {
  const { resources } = await build({ agents: agentInputs(2) });
  for (const node of ["server-1", "server-2", "server-3", "agent-1", "agent-2"]) {
    for (const step of ["scripts", "fetch", "k3s"])
      assert.ok(resources.waits(`${node}-${step}`, "cluster-preflight"), `${node}-${step}`);
  }
  const input = lookInput.parse(JSON.parse(String(resources.named("cluster-preflight").inputs.stdin)));
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
