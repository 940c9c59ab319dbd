import assert from "node:assert/strict";
import { test } from "node:test";
import { agentInputs, serverInputs } from "../unit/example.ts";
import { canary } from "./answers.ts";
import { build, resolved, sshKey } from "./build.ts";
import { inputOf, lineOf } from "./engine.ts";

test("C2: the first server founds with the short token, the others join it with the secure one", async () => {
  const { resources } = await build();
  const [first, second, third] = ["server-1", "server-2", "server-3"].map((name) =>
    resources.named(`${name}-k3s`),
  );
  assert.match(lineOf(first!), /k3s-node server .*--found /);
  assert.doesNotMatch(lineOf(first!, "update"), /--found/);
  assert.match(inputOf(first!), new RegExp(`^token: ${canary}server\n---\n`));
  for (const server of [second!, third!]) {
    assert.match(lineOf(server), /--join https:\/\/192\.0\.2\.11:6443/);
    assert.doesNotMatch(lineOf(server), /--found/);
    assert.match(inputOf(server), /^token: K10[0-9a-f]{64}::server:\S+\n---\n/);
  }
});

test("K2, S21: servers are a chain, and nothing changes before every node was inspected", async () => {
  const { resources } = await build({ servers: serverInputs(5), agents: agentInputs(3) }, { stepMs: 3 });
  const steps = [1, 2, 3, 4, 5].map((index) => `server-${index}-k3s`);
  for (const [index, step] of steps.entries()) {
    if (index > 0) assert.ok(resources.waits(step, steps[index - 1]!), `${step} waits for the one before`);
    assert.ok(resources.named(step).deleteBeforeReplace);
  }
  assert.equal(resources.most(steps), 1);
  const preflight = resources.named("cluster-preflight");
  assert.equal(JSON.parse(String(preflight.inputs.stdin)).machines.length, 8);
  for (const { name, type, begin } of resources.custom) {
    if (!type.startsWith("command:remote") || name === preflight.name) continue;
    assert.ok(begin >= preflight.end, `${name} began after all machines had been looked at`);
    assert.ok(resources.waits(name, preflight.name), name);
  }
});

const isStep = ({ name }: { name: string }) => name.endsWith("-k3s");

for (const count of [1, 2, 3, 4, 5, 8, 12]) {
  test(`K2, S21: of ${count} agents at most the cap is worked on at once, beside the later servers`, async () => {
    const { resources } = await build({ agents: agentInputs(count), agentsParallel: 3 }, { stepMs: 4 });
    const agents = Array.from({ length: count }, (_, index) => `agent-${index + 1}-k3s`);
    assert.equal(resources.most(agents), Math.min(3, count));
    for (const agent of agents) {
      assert.ok(resources.waits(agent, "server-1-k3s"));
      for (const later of ["server-2-k3s", "server-3-k3s"]) assert.ok(!resources.waits(agent, later));
      assert.ok(resources.waits("cluster-verify", agent));
    }
  });
}

test("K6: in a cluster that lives already every agent waits for all servers", async () => {
  for (const [version, installed] of [
    ["v1.35.8+k3s1", "v1.34.11+k3s1"],
    ["v1.34.2+k3s1", "v1.34.2+k3s1"],
  ] as const) {
    const { resources } = await build({ version, agents: agentInputs(3) }, { installed });
    for (const agent of [1, 2, 3]) assert.ok(resources.waits(`agent-${agent}-k3s`, "server-3-k3s"));
  }
});

test("K6: a node is given its own time for its pods beside the time for the change", async () => {
  const { resources } = await build({ drainDeadline: 90 });
  for (const node of ["server-1", "agent-1"]) {
    assert.match(lineOf(resources.named(`${node}-k3s`), "update"), / --drain-deadline 90 --deadline 690 /);
  }
});

test("the machines are looked at again when an entry in the stack or a limit changes, and with nothing else", async () => {
  const look = async (more: Record<string, unknown>) =>
    (await build(more)).resources.named("cluster-preflight").inputs.update;
  const [first, ...others] = serverInputs(3);
  const before = await look({});
  assert.notEqual(await look({ servers: [{ ...first, labels: { disk: "ssd" } }, ...others] }), before);
  assert.notEqual(await look({ limits: { roundTripMs: 30 } }), before);
  assert.notEqual(await look({ k3s: { flannelBackend: "host-gw" } }), before);
  assert.equal(await look({ snapshots: ["a"], agentsParallel: 2 }), before);
});

test("M2 what changes for one agent leaves the admission of the others as it is", async () => {
  const admissions = async (more: object) => {
    const [first, second] = agentInputs(2);
    const { resources } = await build({ agents: [first, { ...second, ...more }] }, { preview: true });
    return resources.named("agent-1-admit");
  };
  const [before, after] = [await admissions({}), await admissions({ labels: { gpu: "yes" } })];
  for (const input of ["update", "stdin"]) assert.deepEqual(after.inputs[input], before.inputs[input]);
});

test("S22: nothing joins through the virtual address, and it is applied once the first server answers", async () => {
  const { resources } = await build();
  const provider = resources.all.find(({ type }) => type === "pulumi:providers:kubernetes")!;
  assert.match(String(provider.inputs.kubeconfig), /https:\/\/192\.0\.2\.11:6443/);
  assert.equal(provider.inputs.clusterIdentifier, "homelab-k3s-lab");
  assert.ok(resources.waits("cluster-kubeconfig", "server-1-k3s"));
  assert.ok(!resources.waits("cluster-kubeconfig", "server-2-k3s"));
  assert.ok(resources.waits("cluster-verify", "cluster-kube-vip-pods"));
  for (const step of resources.custom.filter(isStep)) {
    assert.doesNotMatch(lineOf(step), /192\.0\.2\.10:6443/);
  }
});

test("D1: every server's certificate has the virtual address and what is its own, and nothing of the others", async () => {
  const { resources } = await build();
  for (const index of [1, 2, 3]) {
    const names = ["192.0.2.10", `192.0.2.1${index}`, `server-${index}`];
    const stdin = String(resources.named(`server-${index}-k3s`).inputs.stdin);
    assert.match(stdin, new RegExp(`tls-san:\n${names.map((name) => `  - ${name}\n`).join("")}$`));
  }
});

test("D2, S04: the shared part of config.yaml is byte-identical on all servers", async () => {
  const { resources } = await build({ k3s: { disable: ["traefik"], clusterDns: "10.43.0.10" } });
  const shared = ["server-1", "server-2", "server-3"].map((server) => {
    const stdin = inputOf(resources.named(`${server}-k3s`));
    return stdin.slice(stdin.indexOf("---\n"), stdin.indexOf("node-name:"));
  });
  assert.equal(new Set(shared).size, 1);
  assert.match(shared[0]!, /cluster-dns: 10\.43\.0\.10\n/);
});

test("P4: the kubeconfig names the endpoint", async () => {
  const { result: cluster } = await build();
  assert.match(await resolved(cluster.kubeconfig), /server: https:\/\/192\.0\.2\.10:6443/);
  assert.equal(cluster.endpoint, "https://192.0.2.10:6443");
});

test("without a virtual address the first server is the endpoint and nothing is applied", async () => {
  const { result: cluster, resources } = await build({ endpoint: { provider: "none" } });
  assert.equal(cluster.endpoint, "https://192.0.2.11:6443");
  assert.ok(!resources.all.some(({ type }) => type.startsWith("kubernetes:")));
});

test("resources are named after nodes: reordering servers changes no name and no node's configuration", async () => {
  const forward = serverInputs(3);
  const { resources: before } = await build({ servers: forward });
  const { resources: after } = await build({ servers: [...forward].reverse() });
  const names = (resources: typeof before) => resources.all.map(({ urn }) => urn).sort();
  assert.deepEqual(names(after), names(before));
  for (const server of ["server-1", "server-2", "server-3"]) {
    const body = (resources: typeof before) => inputOf(resources.named(`${server}-k3s`)).split("---\n")[1];
    assert.equal(body(after), body(before));
  }
});

test("S20: a preview knows every command but those that need what the first server will say", async () => {
  const { resources } = await build({}, { preview: true });
  assert.deepEqual(resources.named("server-1-k3s").unknownInputs, ["stdin"]);
  assert.deepEqual(resources.named("server-2-k3s").unknownInputs.toSorted(), ["create", "stdin", "update"]);
  assert.deepEqual(resources.named("server-1-fetch").unknownInputs, []);
  assert.deepEqual(resources.named("cluster-verify").unknownInputs, []);
});

test("protected servers and tokens unless the stack says otherwise", async () => {
  const { resources } = await build({
    servers: serverInputs(3).with(2, { ...serverInputs(3)[2], protect: false }),
  });
  assert.deepEqual(
    ["server-1-k3s", "server-3-k3s", "agent-1-k3s", "cluster-token-server"].map(
      (name) => resources.named(name).protect,
    ),
    [true, false, false, true],
  );
});

test("a snapshot is saved once, verified on update, and comes after the cluster was verified", async () => {
  const { resources } = await build({ snapshots: ["before-upgrade"] });
  const save = resources.named("cluster-snapshot-before-upgrade-save");
  assert.match(String(save.inputs.create), /snapshot-save --name before-upgrade --keep-token -$/);
  assert.match(String(save.inputs.update), /snapshot-verify --name before-upgrade -$/);
  assert.match(String(save.inputs.delete), /snapshot-delete .*--name before-upgrade$/);
  assert.ok(resources.waits(save.name, "cluster-verify"));
});

test("a bastion is used by every connection and by the probe, with its own host key", async () => {
  const bastion = { host: "192.0.2.1", user: "jump", hostKey: serverInputs(1)[0]!.hostKey };
  const { resources } = await build({ ssh: { user: "admin", port: 2222, bastion } });
  for (const resource of resources.custom.filter(({ type }) => type.startsWith("command:remote"))) {
    const { host, user, port, proxy } = resource.inputs.connection as Record<string, unknown>;
    assert.ok(host);
    assert.deepEqual([user, port], ["admin", 2222]);
    assert.deepEqual((proxy as Record<string, unknown>).hostKey, bastion.hostKey);
  }
  const { machines } = JSON.parse(String(resources.named("cluster-preflight").inputs.stdin));
  assert.deepEqual(JSON.parse(machines[0].request).bastion, {
    host: "192.0.2.1",
    port: 22,
    user: "jump",
    hostKey: bastion.hostKey,
    privateKey: sshKey,
  });
});

test("root needs no sudo; another user has it without a password", async () => {
  const command = async (ssh: object) => {
    const { resources } = await build({ ssh });
    return lineOf(resources.named("server-1-k3s"));
  };
  assert.match(await command({ user: "root" }), /^bash \.homelab-k3s\/node\/k3s-node server /);
  assert.match(await command({ user: "admin" }), /^sudo -n bash \.homelab-k3s\/node\/k3s-node server /);
});

test("the graph grows with the number of nodes, not with its square", async () => {
  const edges = async (agents: number) => {
    const { resources } = await build({ agents: agentInputs(agents) });
    return resources.all.reduce((sum, { dependencies }) => sum + dependencies.length, 0);
  };
  const [small, middle, large] = [await edges(4), await edges(8), await edges(12)];
  assert.ok(large - middle <= (middle - small) * 1.1, `${small}, ${middle}, ${large} edges`);
});

test("the release comes to one server after another, then to all agents at the same time, and is there before k3s", async () => {
  const { resources } = await build({ agents: agentInputs(2) }, { stepMs: 5 });
  const servers = ["server-1", "server-2", "server-3"];
  const agents = agentInputs(2).map(({ name }) => name);
  assert.equal(resources.most(servers.map((name) => `${name}-fetch`)), 1);
  assert.equal(resources.most(agents.map((name) => `${name}-fetch`)), 2);
  for (const name of [...servers, ...agents]) {
    assert.ok(resources.waits(`${name}-k3s`, `${name}-fetch`));
    assert.ok(resources.waits(`${name}-fetch`, `${name}-scripts`));
    assert.ok(resources.waits(`${name}-scripts`, "cluster-preflight"));
  }
  assert.ok(resources.waits("server-3-fetch", "server-2-fetch"));
  for (const name of agents) assert.ok(resources.waits(`${name}-fetch`, "server-3-fetch"));
  assert.ok(!resources.waits("server-2-fetch", "server-1-k3s"));
});

test("uploaded files go to every node under the release's names, and nothing is downloaded", async () => {
  const upload = {
    amd64: { binary: "./k3s", images: "./k3s-images.tar.zst" },
    arm64: { binary: "./arm/k3s" },
  };
  const { resources } = await build({ upload });
  const copies = resources.custom.filter(({ inputs }) => String(inputs.remotePath).includes("/upload/"));
  const paths = ["k3s", "k3s-airgap-images-amd64.tar.zst", "k3s-arm64"];
  assert.equal(copies.length, 4 * paths.length);
  for (const path of paths) {
    assert.ok(resources.waits("server-1-fetch", `server-1-upload-${path}`));
    assert.equal(resources.named(`agent-1-upload-${path}`).inputs.remotePath, `.homelab-k3s/upload/${path}`);
  }
  const command = lineOf(resources.named("server-1-k3s"));
  assert.match(command, / --upload \.homelab-k3s\/upload /);
  assert.doesNotMatch(command, /--mirror/);
});

test("H2, S15: consent for an existing k3s goes with the first run only, and with every look at the node", async () => {
  const [first, ...others] = serverInputs(3);
  const { resources } = await build({ servers: [{ ...first, existing: "adopt" }, ...others] });
  const step = resources.named("server-1-k3s");
  assert.match(lineOf(step), / --existing adopt /);
  assert.doesNotMatch(lineOf(step, "update"), /--existing/);
  const { machines } = JSON.parse(String(resources.named("cluster-preflight").inputs.stdin));
  const inspect = machines.map((machine: { inspect: string[][] }) => machine.inspect.flat().join(" "));
  assert.match(inspect[0], / existing adopt version v1\.34\.2\+k3s1$/);
  assert.doesNotMatch(inspect[1], /existing/);
  assert.match(inspect[1], / version v1\.34\.2\+k3s1$/, "S46: some hosts cannot run some versions");
  assert.doesNotMatch(lineOf(resources.named("server-2-k3s")), /--existing/);
  const replacing = { servers: [first, others[0], { ...others[1], existing: "replace" }] };
  const { resources: given } = await build(replacing);
  assert.match(lineOf(given.named("server-1-k3s")), / --found --replacing server-3 /);
  assert.doesNotMatch(lineOf(given.named("server-1-k3s"), "update"), /--replacing/);
  assert.doesNotMatch(lineOf(given.named("server-3-k3s")), /--replacing/);
  const { resources: replaced } = await build({ agents: [{ ...agentInputs(1)[0], existing: "replace" }] });
  assert.match(lineOf(replaced.named("agent-1-k3s")), / --existing replace /);
});
