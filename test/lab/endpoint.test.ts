import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Machine } from "../../lab/machines/machine.ts";
import { unchanged } from "../../lab/proof.ts";
import { holdersOf } from "../../measure/etcd.ts";
import { type Access, api } from "../../measure/kube.ts";
import { waitFor } from "../../measure/wait.ts";
import type { DrillResult } from "../../ops/drill/drill.ts";
import { opsResult } from "./operator.ts";
import {
  adminOf,
  type Cluster,
  output,
  type Rehearsal,
  rehearse,
  skip,
  timeout,
  uninterrupted,
  watched,
} from "./support.ts";

/** Milliseconds that a lost holder may cost: VRRP gives it up after two seconds, here on two busy cores. */
const movedMs = 8_000;
/** Milliseconds in which requests are made before and after. */
const around = 3_000;

describe("the endpoint: HAProxy, and keepalived on the servers", { skip, timeout }, () => {
  let rehearsal: Rehearsal;
  let cluster: Cluster;
  let balancers: Machine[];
  let admin: Access;
  let vip: string;
  const servers = () => cluster.topology.servers.map(({ name }) => cluster.machine(name));

  before(async () => {
    rehearsal = await rehearse("lb", { servers: 3, agents: 0 });
    cluster = rehearsal.cluster;
    vip = cluster.topology.vip;
    const { lab } = cluster;
    balancers = [];
    for (const index of [1, 2]) {
      const address = lab.hostAddress.replace(/\.\d+$/, `.${4 + index}`);
      balancers.push(await lab.machine({ name: `lb-${index}`, address }));
    }
    await Promise.all(balancers.map((machine) => machine.start().then(() => machine.waitSsh())));
  });
  after(() => rehearsal?.end());

  /** The one machine of these that has the address. */
  const holder = (machines: readonly Machine[]) =>
    waitFor(
      `${vip} is on one machine`,
      async () => {
        const holders = await holdersOf(vip, machines);
        assert.equal(holders.length, 1, `it is on ${holders.join(" and ") || "none"}`);
        return machines.find(({ name }) => name === holders[0])!;
      },
      { timeoutMs: 60_000 },
    );

  test("P1 K1 one `up` puts two HAProxy in front of the servers, with the address between them", async () => {
    const machines = balancers.map(({ name, address, hostKey }) => ({ name, host: address, hostKey }));
    await cluster.configure({
      more: { endpoint: { provider: "haproxy", address: vip, balancers: machines } },
    });
    await cluster.operate("up");
    admin = await adminOf(cluster);
    assert.equal(admin.server, `https://${vip}:6443`);
    await holder(balancers);
    assert.deepEqual(await holdersOf(vip, servers()), []);
    unchanged(await cluster.operate("up"));
  });

  test("K7 requests are spread: no server has less than a quarter of them", async () => {
    const active = await holder(balancers);
    const before = await sessions(active);
    for (let i = 0; i < 60; i++) await api(admin, "GET", "/api/v1/namespaces/default");
    const after = await sessions(active);
    const served = Object.keys(after).map((name) => after[name]! - (before[name] ?? 0));
    const all = served.reduce((sum, count) => sum + count, 0);
    assert.equal(served.length, 3);
    for (const count of served) assert.ok(count >= all / 4, JSON.stringify(served));
  });

  test("P1 a configuration that HAProxy does not accept takes no effect", async () => {
    const [machine] = balancers;
    const before = await output(
      machine!,
      "sha256sum /etc/haproxy/haproxy.cfg; systemctl show haproxy -p MainPID",
    );
    const command = `bash .homelab-k3s/node/k3s-node endpoint --name lb-1 --address ${machine!.address}`;
    const { code, stderr } = await machine!.exec(command, {
      stdin: "=== haproxy\nfrontend api\n  bind nowhere\n",
    });
    assert.equal(code, 3, stderr);
    assert.match(stderr, /haproxy does not accept its configuration/);
    const after = "sha256sum /etc/haproxy/haproxy.cfg; systemctl show haproxy -p MainPID";
    assert.equal(await output(machine!, after), before);
  });

  test("P6 K7 drill balancer: the active one loses its power, the other answers, and no write is lost", async (t) => {
    const active = await holder(balancers);
    const found = await opsResult<DrillResult>(cluster.lab.instance, ["drill", "balancer", "--hold", "3"]);
    const { victim, newConnections, keptConnection, writes, holders } = found;
    t.diagnostic(
      `balancer lost: away ${newConnections.longestMs.toFixed(0)} ms, kept connection ${keptConnection.longestMs.toFixed(0)} ms`,
    );
    assert.equal(victim, active.name);
    assert.deepEqual(writes.lost, []);
    assert.ok(writes.acknowledged > 10 && newConnections.failed > 0);
    for (const { longestMs, openEnd } of [newConnections, keptConnection])
      assert.ok(!openEnd && longestMs < movedMs, `away for ${longestMs} ms`);
    assert.equal(holders.length, 1);
    await waitFor("HAProxy runs again", () => output(active, "systemctl is-active haproxy"), {
      timeoutMs: 60_000,
    });
  });

  test("K7 the endpoint moves from the balancers to the servers, and the kubeconfig stays good", async (t) => {
    await cluster.configure({ more: { endpoint: { provider: "keepalived", address: vip } } });
    const seen = await watched(t, admin, "to keepalived", async () => {
      await cluster.operate("up");
      await sleep(around); // the balancers have announced the address last
    });
    uninterrupted(seen);
    assert.ok(seen.availability.longestMs < around, `away for ${seen.availability.longestMs} ms`);
    await holder(servers());
    for (const machine of balancers) {
      const left = await output(
        machine,
        "systemctl is-active haproxy keepalived; systemctl is-enabled haproxy keepalived; true",
      );
      assert.doesNotMatch(left, /^(active|enabled)$/m);
    }
    unchanged(await cluster.operate("up"));
  });

  for (const provider of ["kube-vip", "keepalived"]) {
    test(`S48 on the servers the endpoint changes to ${provider}, and somebody answers all the time`, async (t) => {
      await cluster.configure({ more: { endpoint: { provider, address: vip } } });
      const seen = await watched(t, admin, `to ${provider}`, async () => {
        await cluster.operate("up");
        await sleep(around);
      });
      // a write that is under way when the address moves may hang on its connection, so their number says nothing
      assert.deepEqual(seen.written.lost, []);
      const { longestMs, openEnd } = seen.availability;
      assert.ok(!openEnd && longestMs < around, `away for ${longestMs} ms`);
      await holder(servers());
      for (const machine of servers()) {
        const held = await output(machine, `ip -o address show dev lo to ${vip}/32`);
        assert.equal(held, "", `${machine.name} holds it on its loopback interface no more`);
      }
      unchanged(await cluster.operate("up"));
    });
  }

  test("K3 K7 the server with the address loses its power: another one has it, exactly one", async (t) => {
    const active = await holder(servers());
    const others = servers().filter((machine) => machine !== active);
    const seen = await watched(t, admin, "keepalived holder lost", async () => {
      await sleep(around);
      await active.powerOff();
      await holder(others);
      await waitFor("the API", () => api(admin, "GET", "/readyz"), { timeoutMs: 60_000 });
      await sleep(around);
    });
    uninterrupted(seen);
    await active.start();
    await active.waitSsh();
    await holder(servers());
  });
});

/** How many connections HAProxy has given to each server. */
async function sessions(machine: Machine): Promise<Record<string, number>> {
  const csv = await output(machine, "echo 'show stat' | socat - UNIX-CONNECT:/run/haproxy/admin.sock");
  const [head, ...rows] = csv
    .trim()
    .split("\n")
    .map((line) => line.split(","));
  const total = head!.indexOf("stot");
  const own = rows.filter(([backend, name]) => backend === "servers" && name !== "BACKEND");
  return Object.fromEntries(own.map((row) => [row[1]!, Number(row[total])]));
}
