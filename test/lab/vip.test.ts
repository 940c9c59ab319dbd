import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Machine } from "../../lab/machines/machine.ts";
import { unchanged } from "../../lab/proof.ts";
import { holdersOf, membersOf } from "../../measure/etcd.ts";
import type { Access } from "../../measure/kube.ts";
import { apiPatiently } from "../../measure/patient.ts";
import { waitFor } from "../../measure/wait.ts";
import {
  adminOf,
  type Cluster,
  failedUp,
  output,
  type Rehearsal,
  rehearse,
  runAgain,
  skip,
  timeout,
  uninterrupted,
  watched,
} from "./support.ts";

type Environment = { name: string; value?: string }[];
type DaemonSet = { spec: { template: { spec: { containers: { env: Environment }[] } } } };

describe("kube-vip's address and etcd's timings", { skip, timeout }, () => {
  let rehearsal: Rehearsal;
  let cluster: Cluster;
  let admin: Access;
  let vip: string;
  const servers = () => cluster.topology.servers.map(({ name }) => cluster.machine(name));
  const endpoint = () => ({ provider: "kube-vip", address: vip, services: true });
  const environment = async () => {
    const path = "/apis/apps/v1/namespaces/kube-system/daemonsets/kube-vip";
    const { spec } = await apiPatiently<DaemonSet>(admin, "GET", path);
    return Object.fromEntries(spec.template.spec.containers[0]!.env.map(({ name, value }) => [name, value]));
  };
  const holder = () =>
    waitFor(
      `${vip} is on one server`,
      async () => {
        const holders = await holdersOf(vip, servers());
        assert.equal(holders.length, 1, `it is on ${holders.join(" and ") || "none"}`);
        return cluster.machine(holders[0]!);
      },
      { timeoutMs: 60_000 },
    );

  before(async () => {
    rehearsal = await rehearse("vip", { servers: 3, agents: 0 });
    cluster = rehearsal.cluster;
    vip = cluster.topology.vip;
  });
  after(() => rehearsal?.end());

  test("K3 S26 one `up`: every server was asked who has the address, and one has it; Services are kube-vip's", async () => {
    await cluster.configure({ more: { endpoint: endpoint() } });
    await cluster.operate("up");
    admin = await adminOf(cluster);
    await holder();
    const { svc_enable, svc_election, vip_arpRate, vip_leaseduration } = await environment();
    assert.deepEqual(
      [svc_enable, svc_election, vip_arpRate, vip_leaseduration],
      ["true", "true", "500", "5"],
    );
    unchanged(await cluster.operate("up"));
  });

  test("S26 the address on two servers: the run that finds it fails, names both and says what to do", async () => {
    const first = await holder();
    const second = servers().find((server) => server !== first)!;
    await output(second, `ip address add ${vip}/32 dev eth0`);
    await cluster.configure({ more: { endpoint: endpoint(), drainDeadline: 301 } });
    const said = await failedUp(rehearsal);
    const names = [first, second].map(({ name }) => `${name} (eth0)`).sort();
    assert.ok(said.includes(`CRITICAL: ${vip} is on 2 machines: ${names.join(" and ")}`), said);
    assert.ok(said.includes(`ip address delete ${vip}/32 dev eth0`), said);
    await output(second, `ip address delete ${vip}/32 dev eth0`);
  });

  test("K7 S04 etcd's timings change on the living cluster: one server after the other, no write lost", async (t) => {
    const more = { endpoint: endpoint(), drainDeadline: 301, etcd: { timing: "lan-ssd" } };
    await cluster.configure({ more });
    const seen = await watched(t, admin, "timings", () => cluster.operate("up"));
    uninterrupted(seen);
    for (const server of servers()) {
      const config = await output(server, "cat /var/lib/rancher/k3s/server/db/etcd/config");
      assert.match(config, /heartbeat-interval: 100\n/, server.name);
      assert.match(config, /election-timeout: 1000\n/, server.name);
    }
    assert.equal((await membersOf(servers()[0]!)).filter(({ voter }) => voter).length, 3);
    assert.equal((await environment()).vip_leaseduration, "3");
    unchanged(await cluster.operate("up"));
  });

  test("K3 a server that leaves for good leaves the address behind, to another; it may come back", async () => {
    const leaver = await holder();
    const { code, stderr } = await leaver.exec(removal(leaver, servers()), { timeoutMs: 120_000 });
    assert.equal(code, 0, stderr);
    assert.deepEqual(await holdersOf(vip, [leaver]), []);
    assert.notEqual((await holder()).name, leaver.name);
    await runAgain(cluster, leaver.name);
  });

  test("K3 after a destroy no machine has the address any more", async () => {
    await cluster.operate("destroy");
    assert.deepEqual(await holdersOf(vip, servers()), []);
  });
});

/** What the stack runs on a server that it no longer has. */
function removal(leaver: Machine, servers: readonly Machine[]): string {
  const others = servers.filter((server) => server !== leaver);
  const peers = others.map(({ name, address }) => `--peer ${name}=${address}`).join(" ");
  return `bash .homelab-k3s/node/k3s-node remove --name ${leaver.name} --role server ${peers} --deadline 100`;
}
