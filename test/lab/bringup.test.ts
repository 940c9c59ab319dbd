import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Board } from "../../lab/board.ts";
import { failOver, heal } from "../../lab/failover.ts";
import { unchanged, votersAre } from "../../lab/proof.ts";
import type { Topology } from "../../lab/topology.ts";
import { holdersOf, membersOf } from "../../measure/etcd.ts";
import { type Access, nodesOf } from "../../measure/kube.ts";
import { apiPatiently } from "../../measure/patient.ts";
import { waitFor } from "../../measure/wait.ts";
import {
  adminOf,
  type Cluster,
  configMaps,
  failedUp,
  fingerprints,
  mostAtOnce,
  output,
  type Rehearsal,
  rehearse,
  runAgain,
  skip,
  stepOf,
  timeout,
  upWithBoard,
  without,
  writeMark,
} from "./support.ts";

const lanes = 2;
const signal = new AbortController().signal;

describe("bring-up of three servers and three agents", { skip, timeout }, () => {
  let rehearsal: Rehearsal;
  let cluster: Cluster;
  let board: Board;
  let admin: Access;
  let everything: Topology;
  const serverNames = ["server-1", "server-2", "server-3"];
  const agentNames = ["agent-1", "agent-2", "agent-3"];

  before(async () => {
    rehearsal = await rehearse("up", { servers: 3, agents: 4 });
    cluster = rehearsal.cluster;
    everything = cluster.topology;
    await cluster.configure({ topology: without(everything, "agent-4"), more: { agentsParallel: lanes } });
  });
  after(() => rehearsal?.end());

  const servers = () => serverNames.map((name) => cluster.machine(name));

  test("D2 an even number of servers is refused before anything is touched", async () => {
    const { topology } = cluster;
    await cluster.configure({ topology: without(topology, "server-3") });
    assert.match(await failedUp(rehearsal), /servers: found 2/);
    await cluster.configure({ topology });
  });

  test("D3 an external datastore cannot be asked for beside embedded etcd", async () => {
    await cluster.configure({ more: { k3s: { datastoreEndpoint: "postgres://db" } } });
    assert.match(await failedUp(rehearsal), /k3s\.datastoreEndpoint/);
    await cluster.configure({ more: { agentsParallel: lanes } });
  });

  test("S20 preview touches nothing on any node", async () => {
    const untouched = await fingerprints(cluster);
    const { changed } = await cluster.operate("preview");
    assert.ok(changed > 0);
    assert.deepEqual(await fingerprints(cluster), untouched);
  });

  test("C1 C2 C3 H1 H4 K8 one `up` makes three voters, all Nodes Ready, and the endpoint", async () => {
    ({ board } = await upWithBoard(cluster));
    admin = await adminOf(cluster);
    for (const server of servers()) votersAre(await membersOf(server), serverNames);
    const nodes = await nodesOf(admin);
    assert.deepEqual(nodes.map(({ name }) => name).sort(), [...agentNames, ...serverNames]);
    assert.deepEqual(
      nodes.filter(({ ready }) => !ready),
      [],
    );
    assert.equal(admin.server, `https://${cluster.topology.vip}:6443`);
    assert.equal((await holdersOf(cluster.topology.vip, servers())).length, 1);
  });

  test("C2 servers join through the first one's URL with the token that it gave back", async () => {
    const first = cluster.machine("server-1");
    const token = (await output(first, "cat /var/lib/rancher/k3s/server/token")).trim();
    assert.match(token, /^K10[0-9a-f]{64}::server:/);
    for (const server of servers().slice(1)) {
      const join = await output(server, "cat /etc/rancher/k3s/config.yaml.d/10-join.yaml");
      assert.ok(join.includes(`https://${first.address}:6443`) && join.includes(token), server.name);
    }
  });

  test("D1 agents hold a token of their own, never the servers', and the endpoint is in the certificate", async () => {
    const server = (
      await output(cluster.machine("server-1"), "cat /var/lib/rancher/k3s/server/token")
    ).trim();
    const password = server.split(":").at(-1)!;
    for (const name of agentNames) {
      const all = await output(
        cluster.machine(name),
        "cat /etc/rancher/k3s/config.yaml /etc/rancher/k3s/config.yaml.d/*",
      );
      assert.match(all, /token: "?K10/);
      assert.ok(!all.includes(password), `${name} holds the servers' token`);
    }
    // the request fails unless the certificate names the address
    await apiPatiently(admin, "GET", "/readyz");
  });

  test("D2 what must be equal on all servers is the same text", async () => {
    const texts = await Promise.all(
      servers().map((server) => output(server, "sed '/^node-name:/,$d' /etc/rancher/k3s/config.yaml")),
    );
    assert.ok(texts[0]!.length > 100);
    assert.equal(new Set(texts).size, 1);
  });

  test("K2 S21 servers joined one after another, agents up to the cap at the same time", () => {
    assert.equal(mostAtOnce(serverNames.map((name) => stepOf(board, name))), 1);
    assert.equal(mostAtOnce(agentNames.map((name) => stepOf(board, name))), lanes);
  });

  test("S19 a second `up` changes nothing on any node", async () => {
    const before = await fingerprints(cluster);
    unchanged(await cluster.operate("up"));
    assert.deepEqual(await fingerprints(cluster), before);
  });

  test("S19 steps that do run again change nothing either", async () => {
    const started = () =>
      Promise.all(servers().map((server) => output(server, "systemctl show --property=MainPID k3s")));
    const before = await started();
    await cluster.configure({ more: { agentsParallel: lanes, tlsSans: [] } });
    for (const server of servers()) {
      const { changed } = await runAgain(cluster, server.name);
      assert.deepEqual(changed, [], server.name);
    }
    assert.deepEqual(await started(), before);
  });

  test("D3 etcd data on disk wins: a member that is told to found stays what it is", async () => {
    const { changed } = await runAgain(cluster, "server-1", "--found");
    assert.deepEqual(changed, []);
    votersAre(await membersOf(cluster.machine("server-2")), serverNames);
  });

  test("S22 the endpoint moves while an agent joins, and nothing fails", async () => {
    const [holder] = await holdersOf(cluster.topology.vip, servers());
    await cluster.configure({ topology: everything });
    let moved: Promise<unknown> | undefined;
    await cluster.operate("up", ({ diagnosticEvent }) => {
      if (!/step: binary begin/.test(diagnosticEvent?.message ?? "")) return;
      moved ??= cluster.machine(holder!).exec("systemctl restart k3s");
    });
    assert.ok(moved, "the agent's step was not seen");
    await moved;
    const names = (await nodesOf(admin)).filter(({ ready }) => ready).map(({ name }) => name);
    assert.deepEqual(names.sort(), [...agentNames, "agent-4", ...serverNames]);
  });

  test("H1 any one server goes down: the API comes back through the endpoint, nothing is lost", async () => {
    for (const name of serverNames) {
      const victim = cluster.machine(name);
      const survivors = servers().filter((server) => server !== victim);
      await writeMark(admin, `before-${name}`);
      const found = await failOver(victim, survivors, admin, signal);
      assert.ok(!found.openEnd && found.longestMs < 30_000, `${name}: ${found.longestMs} ms`);
      await writeMark(admin, `during-${name}`);
      await heal(victim, victim.address, 3, admin, signal);
      const own = { ...admin, server: `https://${victim.address}:6443` };
      for (const when of ["before", "during"])
        await apiPatiently(own, "GET", `${configMaps}/${when}-${name}`);
    }
  });

  test("S17 the first server is re-imaged while the others live: it joins, no second cluster", async () => {
    const first = cluster.machine("server-1");
    const ca = () =>
      output(cluster.machine("server-2"), "sha256sum </var/lib/rancher/k3s/server/tls/server-ca.crt");
    const before = await ca();
    await first.wipe({ newHostKey: true });
    await first.start();
    await first.waitSsh();
    await cluster.configure({});
    await cluster.operate("up");
    votersAre(await membersOf(cluster.machine("server-2")), serverNames);
    votersAre(await membersOf(first), serverNames);
    assert.equal(await output(first, "sha256sum </var/lib/rancher/k3s/server/tls/server-ca.crt"), before);
    await apiPatiently(
      { ...admin, server: `https://${first.address}:6443` },
      "GET",
      `${configMaps}/before-server-1`,
    );
    await waitFor(
      "one holder",
      async () => {
        assert.equal((await holdersOf(cluster.topology.vip, servers())).length, 1);
      },
      { timeoutMs: 60_000 },
    );
  });
});
