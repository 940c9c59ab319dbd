import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { lostObjects, type Objects, objectsOf } from "../../lab/objects.ts";
import { unchanged, votersAre } from "../../lab/proof.ts";
import { membersOf } from "../../measure/etcd.ts";
import { type Access, nodesOf } from "../../measure/kube.ts";
import { waitFor } from "../../measure/wait.ts";
import { fill, installOld, installOldAgent, settled } from "./old-k3s.ts";
import {
  adminOf,
  type Cluster,
  failedUp,
  nodeEntry,
  output,
  type Rehearsal,
  rehearse,
  skip,
  timeout,
} from "./support.ts";

const token = "the-token-of-the-old-one";

describe("an existing k3s that has etcd, and its agent", { skip, timeout }, () => {
  let rehearsal: Rehearsal;
  let cluster: Cluster;
  let access: Access;
  let objects: Objects;

  before(async () => {
    rehearsal = await rehearse("adopt", { servers: 1, agents: 1 });
    cluster = rehearsal.cluster;
    const k3s = rehearsal.prepared.release;
    const env = `K3S_TOKEN=${token}\n`;
    access = await installOld(cluster.machine("server-1"), k3s, { args: ["--cluster-init"], env });
    await installOldAgent(cluster.machine("agent-1"), k3s, access.server, token);
    await fill(access);
    await waitFor(
      "both Nodes",
      async () => {
        const nodes = await nodesOf(access);
        assert.equal(nodes.filter(({ ready }) => ready).length, 2);
      },
      { timeoutMs: 60_000 },
    );
    objects = await settled(access);
  });
  after(() => rehearsal?.end());

  /** Both nodes, with or without consent for the agent. */
  const stack = (agent: "adopt" | undefined) => {
    const k3s = { secretsEncryption: false, disable: [] };
    const servers = [nodeEntry(cluster, "server-1", { existing: "adopt" })];
    return { servers, agents: [nodeEntry(cluster, "agent-1", agent && { existing: agent })], k3s };
  };
  const started = async (name: string, unit: string) =>
    output(cluster.machine(name), `systemctl show --property=ActiveEnterTimestampMonotonic --value ${unit}`);

  test("S15 an agent without consent stops the whole run before anything is touched", async () => {
    const was = [await started("server-1", "k3s"), await started("agent-1", "k3s-agent")];
    await cluster.configure({ more: stack(undefined) });
    assert.match(await failedUp(rehearsal), /agent-1: .*did not install is here \(role agent,/);
    assert.deepEqual([await started("server-1", "k3s"), await started("agent-1", "k3s-agent")], was);
  });

  test("P2 server and agent are taken over in place: every object, both Nodes and the token stay", async (t) => {
    await cluster.configure({ more: stack("adopt") });
    await cluster.operate("up");
    votersAre(await membersOf(cluster.machine("server-1")), ["server-1"]);
    const admin = await adminOf(cluster);
    const now = await objectsOf(admin);
    assert.deepEqual(lostObjects(objects, now), []);
    for (const node of ["server-1", "agent-1"])
      assert.equal(now.get(`/api/v1/nodes/${node}`), objects.get(`/api/v1/nodes/${node}`), node);
    t.diagnostic(`${objects.size} objects before, all of them there among ${now.size}`);
    assert.ok((await nodesOf(admin)).every(({ ready }) => ready));
    assert.match(
      await output(cluster.machine("server-1"), "cat /var/lib/rancher/k3s/server/token"),
      new RegExp(`::server:${token}$`, "m"),
    );
    for (const name of ["server-1", "agent-1"])
      await output(cluster.machine(name), "test -s /etc/rancher/k3s/.homelab-k3s");
  });

  test("S19 a second `up` changes nothing, and without the consent neither", async () => {
    unchanged(await cluster.operate("up"));
    const { agents, k3s } = stack(undefined);
    await cluster.configure({ more: { servers: [nodeEntry(cluster, "server-1")], agents, k3s } });
    await cluster.operate("up");
    unchanged(await cluster.operate("preview"));
  });
});
