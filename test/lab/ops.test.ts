import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { holdersOf, membersOf } from "../../measure/etcd.ts";
import type { Access } from "../../measure/kube.ts";
import { throwAwayLabel } from "../../measure/namespace.ts";
import { apiPatiently } from "../../measure/patient.ts";
import { waitFor } from "../../measure/wait.ts";
import type { BenchResult } from "../../ops/bench/bench.ts";
import type { DefragResult, MemberReport } from "../../ops/defrag/defrag.ts";
import type { DrillResult } from "../../ops/drill/drill.ts";
import { fragment, gateway, noSpace, writeObject } from "./etcd-hand.ts";
import { opsResult, startOps } from "./operator.ts";
import { ownStack } from "./own-stack.ts";
import {
  adminOf,
  type Cluster,
  failoverMs,
  output,
  type Rehearsal,
  rehearse,
  skip,
  timeout,
  uninterrupted,
  watched,
} from "./support.ts";

describe("the operator's command on a living cluster", { skip, timeout }, () => {
  let rehearsal: Rehearsal;
  let cluster: Cluster;
  let admin: Access;
  let reports: string;

  before(async () => {
    rehearsal = await rehearse("ops", { servers: 3, agents: 0 });
    cluster = rehearsal.cluster;
    await cluster.operate("up");
    admin = await adminOf(cluster);
    reports = await mkdtemp(join(tmpdir(), "ops-"));
  });
  after(async () => {
    await rehearsal?.end();
    if (reports) await rm(reports, { recursive: true, force: true });
  });

  const ops = (...args: string[]) => startOps(cluster.lab.instance, args);
  const done = <T>(...args: string[]) => opsResult<T>(cluster.lab.instance, args);
  const server = (at: number) => cluster.machine(cluster.topology.servers[at]!.name);
  /** What the command made and did not delete; a namespace that is on its way out is deleted. */
  const left = async () => {
    const selector = encodeURIComponent(throwAwayLabel);
    const path = `/api/v1/namespaces?labelSelector=${selector}`;
    type Namespaces = { items: { metadata: { name: string; deletionTimestamp?: string } }[] };
    const { items } = await apiPatiently<Namespaces>(admin, "GET", path);
    return items.filter(({ metadata }) => !metadata.deletionTimestamp).map(({ metadata }) => metadata.name);
  };

  test("M3 bench: every verb, etcd, and who answered; a report; nothing stays", async (t) => {
    const file = join(reports, "bench.html");
    const found = await done<BenchResult>("bench", "--requests", "10", "--report", file);
    assert.equal(found.api.length, (1 + 3) * 2 * 5);
    for (const { count, failed, p50, p99 } of found.api) {
      assert.deepEqual([count, failed], [10, 0]);
      assert.ok(p50 > 0 && p99 >= p50);
    }
    assert.deepEqual(new Set(found.etcd.map(({ server }) => server)).size, 3);
    assert.ok(found.work.some(({ what, count }) => what === "WAL sync" && count > 0));
    const counts = found.spread.servers.map(({ requests }) => requests).sort((a, b) => b - a);
    // kube-vip's address is on one server, which answers them all; a controller may list the kind meanwhile
    assert.ok(counts[0]! >= found.spread.sent && counts[1]! < 5, JSON.stringify(counts));
    assert.deepEqual(found.notes, []);
    assert.match(await readFile(file, "utf8"), /class="series s1"/);
    assert.deepEqual(await left(), []);
    const get = found.api.find(
      ({ target, connection, verb }) => target === "endpoint" && connection === "kept" && verb === "get",
    );
    t.diagnostic(
      `bench: get through the endpoint p50 ${get!.p50.toFixed(1)} ms, p99 ${get!.p99.toFixed(1)} ms`,
    );
  });

  test("M3 bench, interrupted: its namespace is deleted all the same", async () => {
    const { child, ended } = ops("bench", "--requests", "5000");
    await waitFor("it has begun", async () => assert.equal((await left()).length, 1), { timeoutMs: 60_000 });
    child.kill("SIGINT");
    const { code, stderr } = await ended;
    assert.equal(code, 130, stderr);
    assert.deepEqual(await left(), []);
  });

  test("M3 a full database gives its history up, shrinks, and takes writes again", async (t) => {
    await fragment(admin, 30);
    const member = (await membersOf(server(0))).find(({ name }) => name === "server-1")!;
    // in one go: k3s' controllers lose their leases while nobody can write, and end their server after 10 s
    const verb = "bash .homelab-k3s/node/k3s-node defrag --name server-1 --compact --disarm";
    const said = await output(server(0), `${gateway("maintenance/alarm", noSpace(member.id))} && ${verb}`);
    const { before, after, pauseMs } = JSON.parse(said.trim().split("\n").at(-1)!) as MemberReport;
    assert.match(said, /"alarm":\s*"NOSPACE"/);
    assert.ok(after < before / 2, `${before} -> ${after}`);
    assert.equal(await output(server(0), gateway("maintenance/alarm", { action: "GET" })).then(alarmsIn), 0);
    await writeObject(admin, "taken");
    t.diagnostic(`defrag: ${before} -> ${after} bytes in ${pauseMs} ms`);
  });

  test("M3 defrag of a cluster in use: the leader last, its office handed over, no write lost", async (t) => {
    const leader = (await membersOf(server(0))).find((member) => member.leader)!.name;
    let found: DefragResult | undefined;
    const seen = await watched(t, admin, "defrag", async () => {
      found = await done<DefragResult>("defrag");
    });
    uninterrupted(seen);
    const { members, wasFull } = found!;
    assert.deepEqual([members.length, members.at(-1)!.node, wasFull], [3, leader, false]);
    assert.notEqual(members.at(-1)!.movedTo, null);
    // the history was given up on all of them, and server-1 has been rewritten already
    for (const { node, before, after } of members)
      assert.ok(node === "server-1" || after < before / 2, `${node}: ${before} -> ${after}`);
  });

  test("K5 refused with exit code 3 while a server is down, and nothing is done", async () => {
    await output(server(2), "systemctl stop k3s");
    const all = [["defrag"], ["drill", "cut-off", "--server", "server-1"], ["drill", "balancer"]];
    for (const { code, stderr } of await Promise.all(all.map((args) => ops(...args).ended)))
      assert.equal(code, 3, stderr);
    assert.deepEqual(await left(), []);
    await output(server(2), "systemctl start --no-block k3s");
    await waitFor("server-3 answers", () => membersOf(server(2)), { timeoutMs: 60_000 });
    await waitFor("server-3's API", () => output(server(2), "curl -fsSk https://127.0.0.1:6443/ping"), {
      timeoutMs: 60_000,
    });
  });

  test("S26 a server that is cut off is let back by its own timer", async () => {
    const verb =
      "bash .homelab-k3s/node/k3s-node cut-off --name server-1 --seconds 2 --peer nobody=192.0.2.77";
    await output(server(0), `${verb} && nft list table inet homelab_k3s_cut_off`);
    await waitFor("the rules are gone", () => output(server(0), "! nft list tables | grep homelab_k3s"), {
      timeoutMs: 60_000,
    });
  });

  for (const scenario of ["vip-holder", "cut-off", "reboot"] as const)
    test(`P6 K5 K7 drill ${scenario}: no write is lost, and all voters are back`, async (t) => {
      const file = join(reports, `${scenario}.html`);
      const found = await done<DrillResult>("drill", scenario, "--hold", "3", "--report", file);
      const { newConnections, keptConnection, writes, voters, held } = found;
      t.diagnostic(
        `${scenario}${found.led ? " (led etcd)" : ""}: away ${newConnections.longestMs.toFixed(0)} ms, kept connection ${keptConnection.longestMs.toFixed(0)} ms, whole again after ${found.healthyAfterMs} ms`,
      );
      assert.deepEqual(writes.lost, []);
      assert.ok(writes.acknowledged > 10 && newConnections.total > 100);
      if (scenario === "vip-holder") assert.ok(held && newConnections.failed > 0);
      assert.ok(!newConnections.openEnd && newConnections.longestMs < failoverMs);
      assert.equal(voters.length, 3);
      assert.equal(found.pods, undefined);
      assert.match(await readFile(file, "utf8"), /class="happening"/);
      assert.deepEqual(await left(), []);
      for (const at of [0, 1, 2]) {
        const rules = () => output(server(at), "nft list tables");
        // our own connection to it may have died with it
        assert.doesNotMatch(await rules().catch(rules), /homelab_k3s/);
      }
    });

  test("P6 drill on a stack that is no lab: its name is typed, and a server's kernel restarts", async (t) => {
    const own = await ownStack(rehearsal);
    t.after(() => own.end());
    const holder = async () => (await holdersOf(cluster.topology.vip, [0, 1, 2].map(server)))[0]!;
    const bootOf = (name: string) => output(cluster.machine(name), "cat /proc/1/stat | cut -d ' ' -f 22");
    const victim = await holder();
    const boot = await bootOf(victim);
    const refused = await own.ops(["drill", "vip-holder"], "yes");
    assert.equal(refused.code, 3, refused.screen);
    assert.match(refused.screen, /found "yes", want lab: nothing was done/);
    assert.equal(await bootOf(victim), boot);
    const { code, screen } = await own.ops(["--json", "drill", "vip-holder", "--hold", "3"], "lab");
    assert.equal(code, 0, screen);
    const found = JSON.parse(screen.trim().split("\n").at(-1)!) as DrillResult;
    t.diagnostic(
      `${found.what}: away ${found.newConnections.longestMs.toFixed(0)} ms, whole again after ${found.healthyAfterMs} ms`,
    );
    assert.deepEqual([found.victim, found.writes.lost, found.voters.length], [victim, [], 3]);
    assert.notEqual(await bootOf(victim).catch(() => bootOf(victim)), boot);
    assert.deepEqual(await left(), []);
  });

  test("P6 drill, interrupted: the server is let back at once, and nothing stays", async () => {
    const { child, ended } = ops("drill", "cut-off", "--server", "server-3", "--hold", "100");
    const rules = () => output(server(2), "nft list table inet homelab_k3s_cut_off");
    await waitFor("server-3 is cut off", rules, { timeoutMs: 60_000 });
    child.kill("SIGINT");
    const { code, stderr } = await ended;
    assert.equal(code, 130, stderr);
    await assert.rejects(rules);
    assert.deepEqual(await left(), []);
  });
});

const alarmsIn = (answer: string): number =>
  (JSON.parse(answer) as { alarms?: unknown[] }).alarms?.length ?? 0;
