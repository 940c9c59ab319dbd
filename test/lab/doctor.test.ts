import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { holdersOf, membersOf } from "../../measure/etcd.ts";
import { waitFor } from "../../measure/wait.ts";
import type { DefragResult } from "../../ops/defrag/defrag.ts";
import type { Finding } from "../../ops/doctor/finding.ts";
import { altered, type Fault, type Field, foreign, gone, worn } from "./doctor-faults.ts";
import { etcd, fragment, noSpace } from "./etcd-hand.ts";
import { findingsOf, opsResult, startOps } from "./operator.ts";
import { adminOf, type Cluster, type Rehearsal, rehearse, skip } from "./support.ts";

/** Four rounds of faults, each followed by the whole cluster being well again. */
const timeout = 600_000;

describe("ops doctor", { skip, timeout }, () => {
  let rehearsal: Rehearsal;
  let cluster: Cluster;
  let field: Field;

  const findings = () => findingsOf(cluster);
  /** A cluster of the lab shares its host with others: what such a moment does to it passes. */
  const until = (check: () => Promise<void>) =>
    waitFor("these findings and no other", check, { timeoutMs: 90_000 });
  const healthy = () => until(async () => assert.deepEqual(await findings(), []));

  before(async () => {
    rehearsal = await rehearse("doctor", { servers: 3, agents: 1 });
    cluster = rehearsal.cluster;
    await cluster.operate("up");
    const { servers, vip } = cluster.topology;
    const machines = servers.map(({ name }) => cluster.machine(name));
    const leader = (await membersOf(machines[0]!)).find((member) => member.leader)?.name;
    const [holder] = await holdersOf(vip, machines);
    const others = servers.map(({ name }) => name).filter((name) => name !== holder);
    const bystander = others.find((name) => name !== leader)!;
    const stranger = others.find((name) => name !== bystander)!;
    const machine = (name: string) => cluster.machine(name);
    field = { machine, admin: await adminOf(cluster), vip, bystander, stranger };
  });
  after(async () => rehearsal?.end());

  test("M1 a healthy cluster has no finding, and the command says how long it looked", async (t) => {
    await healthy();
    const began = Date.now();
    const { code, stdout, stderr } = await startOps(cluster.lab.instance, ["--json", "doctor"]).ended;
    const seconds = (Date.now() - began) / 1000;
    t.diagnostic(
      `four machines looked at in ${seconds.toFixed(1)} s, from the call of the command to its end`,
    );
    assert.equal(code, 0, stdout + stderr);
    assert.deepEqual(JSON.parse(stdout).findings, []);
  });

  const together: readonly (readonly [string, readonly Fault[]])[] = [
    ["altered by hand", altered],
    ["left behind by time", worn],
    ["foreign to the cluster", foreign],
    ["gone", gone],
  ];
  for (const [title, faults] of together) {
    test(`M1 each is found and named, and nothing else: ${faults.map(({ name }) => name).join(", ")}`, async () => {
      try {
        for (const fault of faults) await fault.plant(field);
        await until(async () => assertNamed(await findings(), faults, field, title));
      } finally {
        for (const fault of faults) await fault.heal(field);
      }
      await healthy();
    });
  }

  // the last one: the alarm makes leader and holder of the address change
  test("M1 M3 found inside etcd: a fragmented database, then the alarm NOSPACE; the remedy mends both", async () => {
    const server = cluster.machine("server-1");
    await fragment(field.admin, 150);
    const { header } = await etcd<{ header: { revision: string } }>(server, "maintenance/status", {});
    await etcd(server, "kv/compaction", { revision: header.revision, physical: true });
    await until(async () => {
      const found = await findings();
      const names = cluster.topology.servers.map(({ name }) => `warning fragmentation ${name}`);
      assert.deepEqual(
        found.map(({ severity, check, node }) => `${severity} ${check} ${node}`).sort(),
        names,
      );
      assert.match(found[0]!.remedy, /npm run ops -- defrag/);
    });
    const { id } = (await membersOf(server)).find(({ name }) => name === "server-1")!;
    // a server that loses its leases while nobody can write restarts, and takes the alarm back at its start
    const raise = () => etcd(server, "maintenance/alarm", noSpace(id));
    await until(async () => {
      await raise();
      const alarm = (await findings()).find(({ check }) => check === "alarm");
      assert.deepEqual([alarm?.severity, alarm?.node], ["critical", "server-1"]);
      assert.match(alarm!.found, /NOSPACE/);
      assert.match(alarm!.remedy, /npm run ops -- defrag/);
    });
    await until(async () => {
      await raise();
      const { wasFull } = await opsResult<DefragResult>(cluster.lab.instance, ["defrag"]);
      assert.equal(wasFull, true);
    });
    await healthy();
  });
});

/** @throws unless the findings are exactly those of the faults. */
function assertNamed(found: readonly Finding[], faults: readonly Fault[], field: Field, title: string): void {
  const nodeOf = ({ node }: Fault) => (typeof node === "string" ? node : node(field));
  const key = (severity: string, check: string, node: string) => `${severity} ${check} ${node}`;
  const wanted = faults.map((fault) => key(fault.severity, fault.check, nodeOf(fault))).sort();
  const got = found.map((finding) => key(finding.severity, finding.check, finding.node)).sort();
  assert.deepEqual(got, wanted, `${title}: ${JSON.stringify(found, null, 1)}`);
  for (const fault of faults) {
    const own = found.filter(({ check, node }) => check === fault.check && node === nodeOf(fault));
    assert.ok(
      own.some((finding) => fault.found.test(finding.found)),
      `${fault.name}: ${own.map((finding) => finding.found).join("; ")}`,
    );
  }
}
