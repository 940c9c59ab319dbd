import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Machine } from "../../lab/machines/machine.ts";
import { type Access, nodesOf } from "../../measure/kube.ts";
import { waitFor } from "../../measure/wait.ts";
import {
  adminOf,
  type Cluster,
  nodeEntry,
  output,
  type Rehearsal,
  rehearse,
  skipFor,
  timeout,
} from "./support.ts";

const versions = ["v1.31.9+k3s1", "v1.32.5+k3s1", "v1.33.6+k3s1"];

describe("an agent that comes and goes", { skip: await skipFor(versions), timeout }, () => {
  let rehearsal: Rehearsal;
  let cluster: Cluster;
  let admin: Access;
  let tower: Machine;

  before(async () => {
    rehearsal = await rehearse("part-time", { servers: 1, agents: 1, versions });
    cluster = rehearsal.cluster;
    tower = cluster.machine("agent-1");
  });
  after(() => rehearsal?.end());

  /** Brings the stack to one server and this entry of the tower, or none; milliseconds that it took. */
  const up = async (release: number, entry?: object): Promise<number> => {
    const agents = entry ? [nodeEntry(cluster, "agent-1", entry)] : [];
    await cluster.configure({ more: { agents }, release: rehearsal.prepared.releases[release]! });
    const began = Date.now();
    await cluster.operate("up");
    return Date.now() - began;
  };
  const partTime = { partTime: true };
  const node = async () => (await nodesOf(admin)).find(({ name }) => name === "agent-1");
  const readyWith = (version: string) =>
    waitFor(
      `the tower Ready with ${version}`,
      async () => {
        const { ready, version: there } = (await node())!;
        assert.deepEqual([ready, there], [true, version]);
      },
      { timeoutMs: 60_000 },
    );
  const switchOn = async () => {
    await tower.start();
    await tower.waitSsh();
  };
  /** When k3s was started there. */
  const started = () => output(tower, "systemctl show --property=ActiveEnterTimestampMonotonic k3s-agent");

  test("S39 off when it is added: the cluster is brought up without it", async () => {
    await tower.powerOff();
    await up(0, partTime);
    admin = await adminOf(cluster);
    assert.equal(await node(), undefined);
  });

  test("H3 switched on: the next `up` makes it an agent, and the one after leaves it as it is", async () => {
    await switchOn();
    await up(0, { ...partTime, labels: { gpu: "nvidia" } });
    await readyWith(versions[0]!);
    const before = await started();
    await up(0, { ...partTime, labels: { gpu: "nvidia" } });
    assert.equal(await started(), before);
  });

  test("S39 off for a month, two minors behind: no upgrade waits for it", async (t) => {
    await tower.powerOff();
    for (const release of [1, 2]) {
      const seconds = (await up(release, partTime)) / 1000;
      t.diagnostic(`upgrade to ${versions[release]} without it: ${seconds.toFixed(1)} s`);
    }
    assert.equal((await node())!.version, versions[0]);
  });

  test("S39 back, it loses its power while it is brought up to date: `up` succeeds, and the next one goes on", async (t) => {
    await switchOn();
    const upgrading = up(2, partTime);
    await waitFor(
      "its new k3s is about to start",
      async () => assert.match(await output(tower, "cat /var/lib/homelab-k3s/step"), /config|unit|start/),
      { timeoutMs: 120_000, everyMs: 50 },
    );
    await tower.powerOff();
    const seconds = (await upgrading) / 1000;
    t.diagnostic(`\`up\` with a machine that went away in the middle: ${seconds.toFixed(1)} s`);
    await switchOn();
    await up(2, partTime);
    await readyWith(versions[2]!);
  });

  test("H3 made an agent that is always there, and back: it keeps its data either way", async () => {
    await output(
      tower,
      "mkdir -p /var/lib/rancher/k3s/storage && echo kept >/var/lib/rancher/k3s/storage/file",
    );
    const before = await started();
    for (const entry of [{}, partTime]) {
      await up(2, entry);
      await readyWith(versions[2]!);
      assert.equal(await started(), before, "not restarted");
      assert.equal(await output(tower, "cat /var/lib/rancher/k3s/storage/file"), "kept\n");
    }
  });

  test("H3 taken out while it is on: k3s is gone from it, and its Node from the cluster", async () => {
    await up(2);
    assert.equal(await node(), undefined);
    assert.equal(await output(tower, "ls /etc/systemd/system | grep k3s || true"), "");
  });
});
