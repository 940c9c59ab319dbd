import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { failOver, heal } from "../../lab/failover.ts";
import { cachedReleases } from "../../lab/k3s/cache.ts";
import { alike } from "../../lab/k3s/versions.ts";
import { usualK3s } from "../../lab/prepare.ts";
import { unchanged, votersAre } from "../../lab/proof.ts";
import { movableOn, podsElsewhere, provePods } from "../../lab/proof-pods.ts";
import { movable, podsOf } from "../../lab/workload.ts";
import { holdersOf, membersOf } from "../../measure/etcd.ts";
import { type Access, nodesOf } from "../../measure/kube.ts";
import { waitFor } from "../../measure/wait.ts";
import {
  adminOf,
  type Cluster,
  type Rehearsal,
  rehearse,
  skip,
  timeout,
  uninterrupted,
  watched,
} from "./support.ts";

/** A step from one minor to the next, where the cache has one. */
const step = ["v1.34.2+k3s1", "v1.35.8+k3s1"];
const serverNames = ["server-1", "server-2", "server-3"];
const everyone = [...serverNames, "agent-1"];
const signal = new AbortController().signal;

if (usualK3s === "standin") console.log("no pods run on the stand-in; with LAB_K3S=real they do");
else
  describe("pods on a real k3s", { skip, timeout }, () => {
    let rehearsal: Rehearsal;
    let cluster: Cluster;
    let admin: Access;
    let image: string;
    const servers = () => serverNames.map((name) => cluster.machine(name));
    const pods = () => provePods(admin, servers()[0]!, image, everyone, signal);

    before(async () => {
      const there = (await cachedReleases()).map(({ version }) => version);
      const versions = alike(step, there) && { versions: step };
      rehearsal = await rehearse("pods", { servers: 3, agents: 1, ...versions });
      cluster = rehearsal.cluster;
      assert.ok(cluster.pods?.workload, cluster.pods?.notes.join("\n"));
      image = cluster.pods.workload;
      await cluster.operate("up");
      admin = await adminOf(cluster);
    });
    after(() => rehearsal?.end());

    test("H1 pods run on every node and reach each other, and through a Service", async (t) => {
      const { pairs, behindService } = await pods();
      t.diagnostic(`${pairs} ways between pods, ${behindService.length} nodes behind the Service`);
      unchanged(await cluster.operate("up"));
    });

    test("R1 H1 K5 the server with the address loses its power while pods run: the API comes back, and so does it", async (t) => {
      const [holder] = await holdersOf(cluster.topology.vip, servers());
      const victim = cluster.machine(holder!);
      const survivors = servers().filter((server) => server !== victim);
      const found = await failOver(victim, survivors, admin, signal);
      t.diagnostic(`API away for ${(found.longestMs / 1000).toFixed(1)} s`);
      assert.ok(!found.openEnd && found.longestMs < 30_000, `${found.longestMs} ms`);
      await heal(victim, victim.address, 3, admin, signal);
      await pods();
    });

    test("P6 pods of a lost node run elsewhere within the two minutes that the stack gives them", async (t) => {
      await cluster.configure({ more: { podFailover: { tolerationSeconds: 60 } } });
      uninterrupted(await watched(t, admin, "tolerations", () => cluster.operate("up")));
      // the API server gives tolerations to pods when they are made
      await pods();
      const victim = cluster.machine("server-2");
      const moving = await movableOn(admin, victim.name);
      assert.ok(moving > 0, "nothing on it could move");
      const cutAt = Date.now();
      await victim.powerOff();
      const found = await podsElsewhere(admin, victim.name, moving, everyone.length, cutAt, signal);
      t.diagnostic(
        `NotReady after ${found.notReadyMs} ms, ${moving} pods elsewhere after ${found.elsewhereMs} ms`,
      );
      assert.ok(found.elsewhereMs < 150_000, `${found.elsewhereMs} ms`);
      await heal(victim, victim.address, 3, admin, signal);
    });

    test("R1 K6 S33 a minor upgrade with pods: each node is drained, and they run again everywhere", async (t) => {
      const next = rehearsal.prepared.releases[1];
      if (!next) return t.skip("the cache has no two releases a minor apart");
      await cluster.configure({ release: next });
      uninterrupted(await watched(t, admin, "minor", () => cluster.operate("up")));
      for (const { version } of await nodesOf(admin)) assert.equal(version, next.version);
      votersAre(await membersOf(servers()[0]!), serverNames);
      await waitFor(
        "as many movable pods as before",
        async () => assert.equal((await podsOf(admin, movable)).length, everyone.length),
        { timeoutMs: 120_000, everyMs: 1_000 },
      );
      await pods();
      unchanged(await cluster.operate("up"));
    });
  });
