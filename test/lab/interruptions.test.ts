import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type Cell, interrupt } from "../../bench/interruptions/cell.ts";
import { release, stopAt, stopped } from "../../bench/interruptions/stop.ts";
import { Board } from "../../lab/board.ts";
import { killTree, startClient } from "../../lab/client-process.ts";
import { openCluster, startOver } from "../../lab/cluster.ts";
import { votersAre } from "../../lab/proof.ts";
import { membersOf } from "../../measure/etcd.ts";
import { type Cluster, failedUp, type Rehearsal, rehearse, skip, timeout } from "./support.ts";

/** A sample; `npm run test:interruptions` runs the whole matrix. */
const sample: readonly Cell[] = [
  { step: "binary", moment: "after", cause: "client killed" },
  { step: "config", moment: "after", cause: "node powered off" },
  { step: "start", moment: "before", cause: "connection cut" },
  { step: "voter", moment: "before", cause: "node powered off" },
];

describe("interruptions", { skip, timeout }, () => {
  let rehearsal: Rehearsal;

  before(async () => {
    rehearsal = await rehearse("int", { servers: 1, agents: 0 });
  });
  after(() => rehearsal?.end());

  /** Machines and a stack that never ran. */
  const fresh = async (): Promise<Cluster> => {
    await startOver(rehearsal.prepared);
    const cluster = await openCluster(rehearsal.prepared, new Board(), () => 0);
    await cluster.configure({});
    return cluster;
  };

  for (const cell of sample) {
    test(`S09 S16 ${cell.cause} ${cell.moment} the step ${cell.step}: one more run converges`, async () => {
      const cluster = await fresh();
      const outcome = await interrupt(cluster, cluster.machine("server-1"), cell, rehearsal.prepared.env);
      assert.equal(outcome.error, undefined);
    });
  }

  test("S09 the cable is out for some seconds: the run goes on by itself", async () => {
    const cluster = await fresh();
    const server = cluster.machine("server-1");
    await stopAt(server, "begin start");
    const up = cluster.operate("up");
    await stopped(server, up);
    await server.cutLink();
    setTimeout(() => void release(server).then(() => server.restoreLink()), 4_000);
    await up;
    votersAre(await membersOf(server), ["server-1"]);
  });

  test("S10 two runs at once: the second says who holds the node and since when", async () => {
    const cluster = await fresh();
    const server = cluster.machine("server-1");
    await stopAt(server, "begin config");
    const client = startClient(cluster.lab.instance, rehearsal.prepared.env);
    await stopped(server, client.ended);
    const second = server.exec(
      "bash .homelab-k3s/node/k3s-node halt --id other --name server-1 --deadline 5",
      {
        timeoutMs: 60_000,
      },
    );
    const { code, stderr } = await second;
    assert.equal(code, 4, stderr);
    assert.match(
      stderr,
      /held by root from \d+\.\d+\.\d+\.\d+: server, since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d/,
    );
    const blocked = await failedUp(rehearsal);
    assert.match(blocked, /locked/);
    await release(server);
    const { code: first, output } = await client.ended;
    assert.equal(first, 0, output);
    await killTree(client);
  });
});
