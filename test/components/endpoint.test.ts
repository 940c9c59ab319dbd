import assert from "node:assert/strict";
import { test } from "node:test";
import { nodeInput, serverInputs } from "../unit/example.ts";
import { build } from "./build.ts";
import { inputOf, lineOf } from "./engine.ts";

const kubernetes = (types: readonly { type: string }[]) =>
  types.filter(({ type }) => type.startsWith("kubernetes:"));

test("P1 two balancers are touched one after the other, after every machine was looked at", async () => {
  const balancers = [nodeInput("lb-1", "192.0.2.5"), nodeInput("lb-2", "192.0.2.6")];
  const { resources } = await build({ endpoint: { provider: "haproxy", address: "192.0.2.10", balancers } });
  const [first, second] = ["lb-1-endpoint", "lb-2-endpoint"].map((name) => resources.named(name));
  assert.ok(resources.waits("lb-2-endpoint", "lb-1-endpoint"));
  const { machines } = JSON.parse(String(resources.named("cluster-preflight").inputs.stdin));
  const names = machines.map(({ name, role }: { name: string; role: string }) => `${name} ${role}`);
  assert.deepEqual(names.slice(-2), ["lb-1 balancer", "lb-2 balancer"]);
  for (const machine of ["lb-1", "lb-2"]) {
    assert.ok(resources.waits(`${machine}-endpoint`, `${machine}-scripts`), machine);
    assert.ok(resources.waits(`${machine}-scripts`, "cluster-preflight"), machine);
  }
  assert.match(lineOf(first!), /k3s-node endpoint .*--name lb-1 --address 192\.0\.2\.5/);
  assert.match(String(first!.inputs.delete), /k3s-node endpoint-remove .*--name lb-1/);
  assert.match(inputOf(second!), /^=== haproxy\nglobal\n[\s\S]*=== keepalived\nglobal_defs/);
  assert.deepEqual(kubernetes(resources.custom), []);
  assert.ok(resources.waits("cluster-verify", "lb-2-endpoint"));
});

test("P1 a balancer that is lost is neither reached nor told anything, also when its entry goes", async () => {
  const balancers = [nodeInput("lb-1", "192.0.2.5", { lost: true }), nodeInput("lb-2", "192.0.2.6")];
  const { resources } = await build({ endpoint: { provider: "haproxy", address: "192.0.2.10", balancers } });
  const step = resources.named("lb-1-endpoint");
  assert.deepEqual([step.retainOnDelete, step.ignoreChanges], [true, ["*"]]);
  assert.doesNotMatch(String(resources.named("cluster-preflight").inputs.stdin), /lb-1/);
  assert.ok(!resources.named("lb-2-endpoint").retainOnDelete);
});

test("P1 one balancer needs no keepalived", async () => {
  const balancers = [nodeInput("lb-1", "192.0.2.5")];
  const { resources } = await build({ endpoint: { provider: "haproxy", address: "192.0.2.5", balancers } });
  assert.doesNotMatch(String(resources.named("lb-1-endpoint").inputs.stdin), /keepalived/);
});

test("K7 keepalived runs on every server as soon as that server votes", async () => {
  const { resources } = await build({ endpoint: { provider: "keepalived", address: "192.0.2.10" } });
  for (const index of [1, 2, 3]) {
    const step = resources.named(`server-${index}-endpoint`);
    assert.ok(resources.waits(step.name, `server-${index}-k3s`));
    if (index < 3) assert.ok(!resources.waits(step.name, `server-${index + 1}-k3s`));
    assert.match(inputOf(step), /^=== keepalived\n/);
  }
  assert.deepEqual(kubernetes(resources.custom), []);
});

test("S48 before kube-vip comes to a server, a keepalived that has the address there hands it over", async () => {
  const { resources } = await build();
  for (const index of [1, 2, 3]) {
    const step = resources.named(`server-${index}-handover`);
    assert.match(lineOf(step), /k3s-node handover .*--address 192\.0\.2\.10/);
    assert.match(String(step.inputs.delete), /k3s-node handover-undo .*--address 192\.0\.2\.10/);
    assert.ok(resources.waits("cluster-kube-vip-pods", step.name));
    assert.ok(!resources.waits(step.name, "server-1-k3s"), "it holds no server up");
  }
});

test("P1 somebody else's balancer is only named", async () => {
  const { resources, result } = await build({
    endpoint: { provider: "external", address: "k3s.example.org" },
  });
  assert.equal(result.endpoint, "https://k3s.example.org:6443");
  assert.ok(resources.custom.every(({ name }) => !name.includes("endpoint") || name.includes("preflight")));
});

test("K7 S25 a lost server carries no address, and no balancer asks it", async () => {
  const servers = serverInputs(3).with(1, { ...serverInputs(3)[1], lost: true });
  const { resources } = await build({ servers, endpoint: { provider: "keepalived", address: "192.0.2.10" } });
  const step = resources.named("server-2-endpoint");
  assert.deepEqual([step.retainOnDelete, step.ignoreChanges], [true, ["*"]]);
  assert.ok(!resources.named("server-1-endpoint").retainOnDelete);
  const handed = (await build({ servers })).resources.named("server-2-handover");
  assert.deepEqual([handed.retainOnDelete, handed.ignoreChanges], [true, ["*"]]);
  assert.doesNotMatch(String(resources.named("server-1-endpoint").inputs.stdin), /192\.0\.2\.12/);
  const balancers = [nodeInput("lb-1", "192.0.2.5")];
  const one = await build({ servers, endpoint: { provider: "haproxy", address: "192.0.2.5", balancers } });
  assert.doesNotMatch(String(one.resources.named("lb-1-endpoint").inputs.stdin), /server-2/);
});

test("S26 K3 at the end of a run all machines are asked who has the address, from here, where it moves at all", async () => {
  const { resources } = await build();
  const check = resources.named("cluster-address");
  assert.ok(resources.waits(check.name, "cluster-kube-vip-pods"));
  assert.ok(resources.waits(check.name, "server-3-k3s"));
  assert.match(lineOf(check), /address-check\.ts/);
  const { address, machines } = JSON.parse(String(check.inputs.stdin)) as {
    address: string;
    machines: { command: string; request: string }[];
  };
  assert.equal(address, "192.0.2.10");
  const asked = machines.map(({ command }) => /k3s-node address .*--name (\S+)/.exec(command)?.[1]);
  assert.deepEqual(asked, ["server-1", "server-2", "server-3", "agent-1"]);
  const none = await build({ endpoint: { provider: "none" } });
  assert.ok(none.resources.custom.every(({ name }) => name !== "cluster-address"));
});
