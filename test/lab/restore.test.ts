import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { happen } from "../../bench/interruptions/cell.ts";
import { stopAt, stopped } from "../../bench/interruptions/stop.ts";
import { Board } from "../../lab/board.ts";
import { startClient } from "../../lab/client-process.ts";
import { openCluster, startOver } from "../../lab/cluster.ts";
import { copyOf } from "../../lab/off-node.ts";
import { compare, type Objects, objectsOf } from "../../lab/oracle.ts";
import { unchanged, votersAre } from "../../lab/proof.ts";
import { everyServerReturns } from "../../lab/restarts.ts";
import { membersOf } from "../../measure/etcd.ts";
import {
  adminOf,
  type Cluster,
  failedUp,
  fingerprints,
  output,
  type Rehearsal,
  rehearse,
  skip,
  timeout,
  writeMark,
} from "./support.ts";

const kept = "/var/lib/homelab-k3s/snapshots";
const names = ["server-1", "server-2", "server-3"];

describe("restore of three servers and an agent", { skip, timeout }, () => {
  let rehearsal: Rehearsal;
  let cluster: Cluster;
  let directory: string;
  let early: Objects;

  const first = () => cluster.machine("server-1");
  const servers = () => names.map((name) => cluster.machine(name));
  /** When each server's k3s was started: nothing was stopped while this stays. */
  const started = () =>
    Promise.all(servers().map((one) => output(one, "systemctl show --property=MainPID,ActiveState k3s")));

  /** What was there at the snapshot is back, what came later is gone, and the cluster is whole. */
  async function restoredTo(snapshot: Objects, later: Objects): Promise<void> {
    for (const server of servers()) votersAre(await membersOf(server), names);
    const { missing, left, back, gone } = compare(snapshot, later, await objectsOf(await adminOf(cluster)));
    assert.deepEqual({ missing, left }, { missing: [], left: [] });
    assert.ok(back.includes("ConfigMap default/before") && gone.some((key) => key.includes("after")));
  }

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "restore-"));
    rehearsal = await rehearse("restore", { servers: 3, agents: 1 });
    cluster = rehearsal.cluster;
    await cluster.operate("up");
    const admin = await adminOf(cluster);
    await writeMark(admin, "before");
    early = await objectsOf(admin);
    await cluster.configure({ snapshots: ["early"] });
    await cluster.operate("up");
    await writeMark(admin, "after");
  });
  after(async () => {
    await rehearsal?.end();
    await rm(directory, { recursive: true, force: true });
  });

  test("S27 S28 a snapshot that cannot be restored is refused before anything is stopped", async (t) => {
    const before = await started();
    const make = (name: string, command: string) =>
      output(first(), `cd ${kept} && ${command} && cp early.token ${name}.token`);
    await make("truncated", "head -c 100000 early >truncated");
    await make("empty", ": >empty");
    await make("rotated", "cp early rotated");
    await output(first(), `cd ${kept} && sed -i 's/::server:.*/::server:another-password/' rotated.token`);
    await make("foreign", "cp early foreign");
    await output(first(), `cd ${kept} && sed -i 's/^K10......../K1000000000/' foreign.token`);
    const { stdin } = await cluster.step("server-1");
    const wrong = stdin.replace(/^(?:--.*\n)*---\ntoken: .*/, "token: a-token-of-another-time");
    const check = async (snapshot: string) => {
      const { version } = rehearsal.prepared.release;
      const flags = `--id no --name server-1 --address ${first().address} --version ${version} --snapshot ${snapshot}`;
      const ended = await first().exec(
        `mv /var/lib/rancher/k3s/server/token /root/token
         bash .homelab-k3s/node/k3s-node restore-check ${flags}; code=$?
         mv /root/token /var/lib/rancher/k3s/server/token; exit $code`,
        { stdin: wrong },
      );
      assert.equal(ended.code, 3, `${snapshot}: ${ended.stdout}${ended.stderr}`);
      return ended.stderr;
    };
    assert.match(await check("truncated"), /was cut short or altered: 100000 bytes/);
    assert.match(await check("empty"), /is empty/);
    assert.match(await check("rotated"), /no token for the snapshot rotated/);
    assert.match(await check("foreign"), /of another cluster: its token names the CA/);
    await cluster.configure({ more: { restore: { id: "no", snapshot: "truncated" } } });
    const said = await failedUp(rehearsal);
    assert.match(said, /was cut short or altered.*Nothing was stopped.*kept on this node: .*early/s);
    assert.deepEqual(await started(), before);
    t.diagnostic("five snapshots refused, nothing stopped");
  });

  /** Begins an `up`, takes a machine's power at a point of its step, and gives it back. */
  async function powerCut(name: string, point: string): Promise<void> {
    const machine = cluster.machine(name);
    await stopAt(machine, point);
    const client = startClient(cluster.lab.instance, rehearsal.prepared.env);
    await stopped(machine, client.ended).catch(async (error: Error) => {
      throw new Error(`${error.message}\n${(await client.ended).output}`);
    });
    await happen("node powered off", machine, client);
  }

  test("K5 S29 in place, with two power cuts on the way: by UID what was there is back, what came later is gone", async (t) => {
    const later = await objectsOf(await adminOf(cluster));
    await cluster.configure({ more: { restore: { id: "r1", snapshot: "early" } } });
    await powerCut("server-1", "end aside");
    const aside = "/var/lib/rancher/k3s/server/before-restore-r1/etcd/member";
    assert.match(await output(first(), `ls ${aside}; systemctl is-enabled k3s || true`), /wal\ndisabled/);
    await powerCut("server-2", "begin start");
    const began = Date.now();
    await cluster.operate("up");
    t.diagnostic(`the rest of the restore took ${((Date.now() - began) / 1000).toFixed(1)} s`);
    await restoredTo(early, later);
    await output(first(), `test -d ${aside}`);
    await output(cluster.machine("server-2"), "test ! -e /var/lib/rancher/k3s/server/removed-member");
  });

  test("S41 after it every server comes back twice, and once without power", async () => {
    await everyServerReturns(cluster, await adminOf(cluster));
  });

  test("S19 a second `up` changes nothing, and neither does taking `restore` out again", async () => {
    const before = await fingerprints(cluster);
    unchanged(await cluster.operate("up"));
    assert.deepEqual(await fingerprints(cluster), before);
    const running = await started();
    await cluster.configure({ more: {} });
    await cluster.operate("up");
    assert.deepEqual(await started(), running);
    for (const server of servers()) votersAre(await membersOf(server), names);
  });

  test("S24 two of three lost: nothing is reset by itself, both ways out are named, and the restore is one", async (t) => {
    const admin = await adminOf(cluster);
    await writeMark(admin, "after-all");
    const later = await objectsOf(admin);
    const copy = await copyOf(first(), "early", directory);
    for (const name of ["server-2", "server-3"]) {
      await cluster.machine(name).wipe({ newHostKey: true });
      await cluster.machine(name).start();
      await cluster.machine(name).waitSsh();
    }
    await cluster.configure({ more: { tlsSans: ["k3s.example.org"] } });
    const said = await failedUp(rehearsal);
    t.diagnostic(said.split("\n").find((line) => line.includes("no majority")) ?? said);
    assert.match(said, /no majority: 1 of 3 voters answer, 2 are needed/);
    assert.match(
      said,
      /Either bring one of these back.*min old \(restore: \{ id: a-new-word, snapshot: \S+ \}\)/s,
    );
    await cluster.configure({ more: { restore: { id: "r2", snapshot: "early" } } });
    await cluster.operate("up");
    await restoredTo(early, later);
    assert.ok(copy.bytes > 0);
  });

  test("M4 onto new machines, from a file here with its token, for a stack that knows nothing", async (t) => {
    const admin = await adminOf(cluster);
    await writeMark(admin, "after-everything");
    const later = await objectsOf(admin);
    const { file } = await copyOf(first(), "early", directory);
    await startOver(rehearsal.prepared);
    cluster = await openCluster(rehearsal.prepared, new Board(), () => 0);
    rehearsal.cluster = cluster;
    await cluster.configure({ more: { restore: { id: "dr", from: "file", snapshot: file } } });
    const began = Date.now();
    await cluster.operate("up");
    t.diagnostic(`three servers and an agent from a file in ${((Date.now() - began) / 1000).toFixed(1)} s`);
    await restoredTo(early, later);
    unchanged(await cluster.operate("up"));
  });
});
