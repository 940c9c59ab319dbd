import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { unchanged } from "../../lab/proof.ts";
import { type Access, nodesOf } from "../../measure/kube.ts";
import { apiPatiently } from "../../measure/patient.ts";
import {
  adminOf,
  type Cluster,
  nodeEntry,
  output,
  type Rehearsal,
  rehearse,
  skip,
  timeout,
} from "./support.ts";

type NodeObject = {
  metadata: { labels: Record<string, string>; annotations: Record<string, string> };
  spec: { taints?: { key: string; value?: string; effect: string }[] };
};

describe("an agent of a cluster of one server", { skip, timeout }, () => {
  let rehearsal: Rehearsal;
  let cluster: Cluster;
  let admin: Access;

  before(async () => {
    rehearsal = await rehearse("agents", { servers: 1, agents: 1 });
    cluster = rehearsal.cluster;
  });
  after(() => rehearsal?.end());

  /** Brings the stack to one server and these agents: `agent-1` with more settings, or none. */
  const up = async (...agents: object[]) => {
    const entries = agents.map((more) => nodeEntry(cluster, "agent-1", more));
    await cluster.configure({ more: { agents: entries } });
    return cluster.operate("up");
  };
  const marks = async () => {
    const { metadata, spec } = await apiPatiently<NodeObject>(admin, "GET", "/api/v1/nodes/agent-1");
    const labels = Object.entries(metadata.labels).filter(([key]) => !key.includes("kubernetes.io/"));
    const taints = (spec.taints ?? []).map(({ key, value, effect }) => `${key}=${value ?? ""}:${effect}`);
    return [Object.fromEntries(labels), taints.filter((taint) => !taint.startsWith("node.kubernetes.io/"))];
  };
  const ready = async () => (await nodesOf(admin)).filter((node) => node.ready).map(({ name }) => name);

  test("M2 labels and taints follow the stack, and what others gave a Node stays", async () => {
    await up({ labels: { rack: "a" }, taints: ["gpu=true:NoSchedule"], reserved: { memory: "64Mi" } });
    admin = await adminOf(cluster);
    assert.deepEqual(await marks(), [{ rack: "a" }, ["gpu=true:NoSchedule"]]);
    const config = await output(cluster.machine("agent-1"), "cat /etc/rancher/k3s/config.yaml");
    assert.match(config, /kube-reserved=memory=64Mi/);
    await output(cluster.machine("server-1"), "k3s kubectl label node agent-1 others=1");
    await up({ labels: { shelf: "b" } });
    assert.deepEqual(await marks(), [{ others: "1", shelf: "b" }, []]);
    await up({});
    assert.deepEqual(await marks(), [{ others: "1" }, []]);
    unchanged(await up({}));
  });

  test("S35 it is lost, dropped, back again reinstalled, and removed", async () => {
    await cluster.machine("agent-1").powerOff();
    await up({ lost: true });
    assert.deepEqual(await ready(), ["server-1"]);
    await up();
    unchanged(await up());
    const machine = cluster.machine("agent-1");
    await machine.wipe({ newHostKey: true });
    await machine.start();
    await machine.waitSsh();
    await up({});
    assert.deepEqual((await ready()).sort(), ["agent-1", "server-1"]);
    await up();
    assert.deepEqual(
      (await nodesOf(admin)).map(({ name }) => name),
      ["server-1"],
    );
    assert.equal(await output(machine, "ls /etc/systemd/system | grep k3s || true"), "");
  });
});
