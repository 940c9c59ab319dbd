import assert from "node:assert/strict";
import { test } from "node:test";
import { componentType } from "../../components/types.ts";
import { agentInputs, nodeInput, serverInputs } from "../unit/example.ts";
import { build } from "./build.ts";
import { inputOf, lineOf } from "./engine.ts";

const lost = { lost: true };
const serversWithout = (index: number) => serverInputs(3).with(index, { ...serverInputs(3)[index], ...lost });

/** The names of all resources that connect to a machine. */
async function connecting(stack: Record<string, unknown>, host: string): Promise<string[]> {
  const { resources } = await build(stack);
  return resources.custom
    .filter(({ inputs }) => JSON.stringify(inputs.connection ?? inputs.stdin ?? "").includes(`"${host}"`))
    .filter(({ ignoreChanges }) => !ignoreChanges.includes("*"))
    .map(({ name }) => name);
}

test("S25: nothing touches the machine of a lost server, and its step stays in the state as it is", async () => {
  assert.deepEqual(await connecting({ servers: serversWithout(2) }, "192.0.2.13"), []);
  const { resources } = await build({ servers: serversWithout(2) });
  const step = resources.named("server-3-k3s");
  assert.deepEqual([step.retainOnDelete, step.protect, step.ignoreChanges], [true, false, ["*"]]);
  assert.ok(!resources.named("server-2-k3s").retainOnDelete);
});

test("S25: a lost server is forgotten by a living one, before any server is touched", async () => {
  const { resources } = await build({ servers: serversWithout(2) });
  const forget = resources.named("server-3-forget");
  assert.match(lineOf(forget), /k3s-node forget .*--name server-3 --address 192\.0\.2\.13 /);
  assert.match(lineOf(forget), / --peer server-2=192\.0\.2\.12 --peer server-3=192\.0\.2\.13/);
  assert.equal((forget.inputs.connection as { host: string }).host, "192.0.2.11");
  assert.ok(resources.waits("server-1-k3s", "server-3-forget"));
  assert.match(lineOf(resources.named("cluster-verify")), /--server server-1,server-2 /);
  assert.doesNotMatch(lineOf(resources.named("server-1-k3s")), /server-3/);
});

test("S25: when the first server is lost the next one founds nothing, but is asked", async () => {
  const { result, resources } = await build({ servers: serversWithout(0) });
  for (const name of ["identity", "kubeconfig", "verify"]) {
    const { connection } = resources.named(`cluster-${name}`).inputs as { connection: { host: string } };
    assert.equal(connection.host, "192.0.2.12", name);
  }
  assert.match(lineOf(resources.named("server-3-k3s")), /--join https:\/\/192\.0\.2\.12:6443/);
  assert.doesNotMatch(lineOf(resources.named("server-2-k3s"), "update"), /--found/);
  assert.deepEqual(
    result.servers.map(({ name }) => name),
    ["server-2", "server-3"],
  );
});

test("what another server is given does not change when one is lost, added or removed", async () => {
  const stdin = async (stack: Record<string, unknown>) =>
    inputOf((await build(stack)).resources.named("server-2-k3s"));
  const before = await stdin({});
  assert.equal(await stdin({ servers: serversWithout(2) }), before);
  assert.equal(await stdin({ servers: serverInputs(5) }), before);
});

test("S35: an agent is admitted with its machine-id by a server, before its own step", async () => {
  const { resources } = await build();
  const admit = resources.named("agent-1-admit");
  assert.match(lineOf(admit), /k3s-node admit .*--node agent-1=[0-9a-f]{32} /);
  assert.match(String(admit.inputs.delete), /k3s-node forget .*--name agent-1 --role agent /);
  assert.equal((admit.inputs.connection as { host: string }).host, "192.0.2.11");
  assert.ok(resources.waits("agent-1-admit", "server-1-k3s"));
  assert.ok(resources.waits("agent-1-k3s", "agent-1-admit"));
});

test("S35: a lost agent is forgotten by the step that admitted it", async () => {
  const stack = { agents: [{ ...agentInputs(1)[0], ...lost }] };
  assert.deepEqual(await connecting(stack, "198.51.100.1"), []);
  const { resources } = await build(stack);
  assert.match(lineOf(resources.named("agent-1-admit"), "update"), /forget .*--address 198\.51\.100\.1 /);
  assert.ok(resources.named("agent-1-k3s").retainOnDelete);
  assert.doesNotMatch(lineOf(resources.named("cluster-verify")), /--agent/);
});

test("M2: a node that changes its role is the same resource, and its step another verb", async () => {
  const agent = nodeInput("agent-1", "192.0.2.14");
  const { resources: before } = await build({ agents: [agent] });
  const { resources: after } = await build({ servers: [...serverInputs(2), agent], agents: [] });
  const component = (resources: typeof before) =>
    resources.all.find(({ name, type }) => name === "agent-1" && type.endsWith("Node"))!;
  assert.deepEqual(component(after).formerTypes, [componentType("K3sAgentNode")]);
  assert.deepEqual(component(before).formerTypes, [componentType("K3sServerNode")]);
  assert.match(lineOf(after.named("agent-1-k3s"), "update"), /k3s-node server /);
});

test("M2: labels and taints follow the stack through a server, once the node is registered", async () => {
  const servers = serverInputs(3).with(1, {
    ...serverInputs(3)[1],
    labels: { rack: "b" },
    reserved: { cpu: "500m", memory: "1Gi" },
  });
  const { resources } = await build({ servers, controlPlaneTaint: true });
  const labels = resources.named("server-2-labels");
  assert.match(
    lineOf(labels),
    /label .*--name server-2 --label rack=b --taint node-role\.kubernetes\.io\/control-plane:NoSchedule /,
  );
  assert.match(String(labels.inputs.delete), /label --name server-2 --deadline \d+$/);
  assert.equal((labels.inputs.connection as { host: string }).host, "192.0.2.11");
  assert.ok(resources.waits("server-2-labels", "server-2-k3s"));
  assert.ok(resources.waits("cluster-verify", "server-2-labels"));
  const stdin = String(resources.named("server-2-k3s").inputs.stdin);
  assert.match(stdin, /kubelet-arg:\n {2}- kube-reserved=cpu=500m,memory=1Gi\n/);
  assert.ok(!resources.custom.some(({ name }) => name === "agent-1-labels"));
});
