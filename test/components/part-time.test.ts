import assert from "node:assert/strict";
import { test } from "node:test";
import { partTimeInput } from "../../components/part-time.ts";
import { agentInputs, nodeInput } from "../unit/example.ts";
import { build } from "./build.ts";
import { lineOf } from "./engine.ts";

const tower = nodeInput("tower", "198.51.100.9", { partTime: true, labels: { gpu: "nvidia" } });
const stack = { agents: [...agentInputs(1), tower] };

test("H3 one step has to do with a part-time agent's machine, and nothing that matters waits for it", async () => {
  const { resources } = await build(stack);
  const about = resources.custom
    .filter(({ inputs }) => JSON.stringify(inputs).includes("198.51.100.9"))
    .map(({ name }) => name);
  assert.deepEqual(about, ["tower-part-time"]);
  assert.ok(resources.waits("tower-part-time", "server-3-k3s"), "never newer than a server");
  for (const name of ["cluster-verify", "cluster-address", "agent-1-k3s"])
    assert.ok(!resources.waits(name, "tower-part-time"), name);
  assert.doesNotMatch(lineOf(resources.named("cluster-verify")), /tower/);
  assert.ok(resources.waits("tower-labels", "tower-part-time"));
});

test("H3 S39 it is looked at in every run, and taken out when its entry goes", async () => {
  const first = (await build(stack)).resources.named("tower-part-time");
  const second = (await build(stack, { installed: "v1.34.2+k3s1" })).resources.named("tower-part-time");
  assert.notEqual(first.inputs.update, second.inputs.update);
  assert.match(lineOf(first), / components\/local-part-time\.ts # for 20/);
  assert.match(String(first.inputs.delete), / components\/local-part-time\.ts leave$/);
  assert.ok(first.secretInputs.includes("stdin"));
});

test("H3 what it is told: who it is, the stack's release, and that it may be off", async () => {
  const { resources, result } = await build(stack);
  const input = partTimeInput.parse(JSON.parse(String(resources.named("tower-part-time").inputs.stdin)));
  const agent = Object.fromEntries(input.agent);
  assert.deepEqual([agent.name, agent.version, agent["part-time"]], ["tower", "v1.34.2+k3s1", null]);
  assert.equal(agent.join, "https://192.0.2.11:6443");
  assert.deepEqual(Object.fromEntries(input.remove)["part-time"], null);
  assert.match(input.settings, /^token: K10[0-9a-f]{64}::node:.*\n---\nnode-name: tower\n/);
  assert.equal(JSON.parse(input.server).host, "192.0.2.11");
  assert.deepEqual(result.agents, ["agent-1", "tower"]);
});
