import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Machine } from "../../lab/machines/machine.ts";
import { unchanged, votersAre } from "../../lab/proof.ts";
import { everyServerReturns } from "../../lab/restarts.ts";
import { membersOf } from "../../measure/etcd.ts";
import { type Access, nodesOf } from "../../measure/kube.ts";
import { apiPatiently } from "../../measure/patient.ts";
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
  watched,
} from "./support.ts";

const k3s = "/var/lib/rancher/k3s";
const kubelet = "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n";

/** Files of a user in k3s' directories, laid before the first `up`; all of them are valid for a real k3s. */
const ofUser: Readonly<Record<string, string>> = {
  [`${k3s}/agent/etc/containerd/config-v3.toml.d/mine.toml`]: "version = 3\n",
  [`${k3s}/agent/etc/kubelet.conf.d/50-mine.conf`]: kubelet,
  [`${k3s}/server/manifests/mine.yaml`]: "apiVersion: v1\nkind: Namespace\nmetadata: { name: mine }\n",
  [`${k3s}/server/audit.yaml`]: "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: []\n",
  [`${k3s}/server/tls/root-ca.key`]: "a key\n",
  "/etc/rancher/k3s/registries.yaml": "mirrors: {}\n",
};
const lay = (machine: Machine) =>
  output(
    machine,
    Object.entries(ofUser)
      .map(([path, content]) => `install -D -m 640 /dev/stdin '${path}' <<'END'\n${content}END`)
      .join("\n"),
  );

/** Fails unless all of them are on a machine as they were laid. */
async function stillLaid(machine: Machine): Promise<void> {
  for (const [path, content] of Object.entries(ofUser)) {
    const found = await output(machine, `stat -c '%a %U' '${path}' && cat '${path}'`);
    assert.equal(found, `640 root\n${content}`, `${machine.name}: ${path}`);
  }
}

/**
 * What of k3s may be left on a machine: nothing but files of a user, and of the lab's own. Logs and snapshots are below
 * /var/lib/homelab-k3s.
 */
const leftovers = `{ ls -d /usr/local/bin/k3s /etc/systemd/system/k3s*.service /run/systemd/system/k3s.service.d
  find /etc/rancher ${k3s} /var/lib/kubelet ! -type d; } 2>/dev/null |
  grep -vE '${k3s}/agent/(etc/.*/lab\\.(toml|conf)|images/.*)$' | grep -vxF ${Object.keys(ofUser)
    .map((path) => `-e ${path}`)
    .join(" ")}
  pgrep -fl '^${k3s}/data/' || true`;

describe("nodes of a living cluster of three servers and two agents", { skip, timeout }, () => {
  let rehearsal: Rehearsal;
  let cluster: Cluster;
  let admin: Access;

  before(async () => {
    rehearsal = await rehearse("nodes", { servers: 3, agents: 2 });
    cluster = rehearsal.cluster;
  });
  after(() => rehearsal?.end());

  /** The stack with these nodes in these roles; a name with a `!` is lost. */
  const nodes = (servers: string, agents: string) => {
    const entry = (word: string) => {
      const lost = word.endsWith("!");
      return nodeEntry(cluster, word.replace("!", ""), { lost });
    };
    const list = (names: string) => names.split(" ").filter(Boolean).map(entry);
    return cluster.configure({ more: { servers: list(servers), agents: list(agents), drainDeadline: 20 } });
  };
  const votersOf = async (asked: string, expected: string) =>
    votersAre(await membersOf(cluster.machine(asked)), expected.split(" "));
  const roles = async () =>
    Object.fromEntries((await nodesOf(admin)).map((node) => [node.name, node.ready && node.roles.join()]));
  /** Nodes that take no pods. */
  const cordoned = async () => {
    const path = "/api/v1/nodes?fieldSelector=spec.unschedulable%3Dtrue";
    const { items } = await apiPatiently<{ items: { metadata: { name: string } }[] }>(admin, "GET", path);
    return items.map(({ metadata }) => metadata.name);
  };
  const server = "control-plane,etcd";
  const nothingLost = async (...args: Parameters<typeof watched>) => {
    const { written } = await watched(...args);
    assert.ok(written.acknowledged > 10, `only ${written.acknowledged} writes`);
    assert.deepEqual(written.lost, []);
  };
  const reinstall = async (name: string) => {
    const machine = cluster.machine(name);
    await machine.wipe({ newHostKey: true });
    await machine.start();
    await machine.waitSsh();
  };

  test("K4 S45 a bring-up that fails half-way leaves no half-done node; one more run converges", async () => {
    const third = cluster.machine("server-3");
    for (const name of ["server-3", "agent-1"]) await lay(cluster.machine(name));
    const dropIn = "/etc/systemd/system/k3s.service.d";
    await output(
      third,
      `mkdir ${dropIn} && printf '[Service]\\nExecStartPre=/bin/false\\n' >${dropIn}/fail.conf`,
    );
    assert.match(await failedUp(rehearsal), /server-3: .*undone: /s);
    assert.equal(await output(third, leftovers), "");
    await stillLaid(third);
    await votersOf("server-1", "server-1 server-2");
    await output(third, `rm -r ${dropIn}`);
    await cluster.operate("up");
    admin = await adminOf(cluster);
    await votersOf("server-1", "server-1 server-2 server-3");
    const all = { "server-1": server, "server-2": server, "server-3": server, "agent-1": "", "agent-2": "" };
    assert.deepEqual(await roles(), all);
  });

  test("S25 the first server burns down and is declared lost: two voters go on, nothing touches it", async (t) => {
    await nothingLost(t, admin, "loss of the first server", async () => {
      await cluster.machine("server-1").powerOff();
      await nodes("server-1! server-2 server-3", "agent-1 agent-2");
      await cluster.operate("up");
    });
    await votersOf("server-2", "server-2 server-3");
    const { voters, quorum, servers } = await cluster.outputs();
    assert.deepEqual([voters, quorum], [["server-2", "server-3"], 2]);
    assert.equal((servers as unknown[]).length, 2);
    assert.deepEqual(await roles(), { "server-2": server, "server-3": server, "agent-1": "", "agent-2": "" });
    unchanged(await cluster.operate("up"));
  });

  test("S25 S35 it comes back reinstalled, with a new host key: it joins again", async (t) => {
    await reinstall("server-1");
    await nodes("server-1 server-2 server-3", "agent-1 agent-2");
    await nothingLost(t, admin, "return of the first server", () => cluster.operate("up"));
    await votersOf("server-1", "server-1 server-2 server-3");
    unchanged(await cluster.operate("up"));
  });

  test("M2 S45 two agents become servers, one after another", async (t) => {
    await nodes("server-1 server-2 server-3 agent-1 agent-2", "");
    await nothingLost(t, admin, "promotion of two agents", () => cluster.operate("up"));
    await votersOf("agent-2", "agent-1 agent-2 server-1 server-2 server-3");
    assert.deepEqual(new Set(Object.values(await roles())), new Set([server]));
    await stillLaid(cluster.machine("agent-1"));
    assert.equal(
      await output(cluster.machine("agent-1"), "ls /etc/systemd/system | grep k3s-agent || true"),
      "",
    );
    assert.deepEqual(await cordoned(), [], "their Nodes are still those of the agents, which were drained");
    unchanged(await cluster.operate("up"));
  });

  test("S41 after a promotion every server comes back twice, and once without power", async () => {
    await everyServerReturns(cluster, admin);
    assert.deepEqual(await cordoned(), []);
  });

  test("M2 S34 S45 one server becomes an agent and another is removed: three voters, and the removed one is clean", async (t) => {
    await nodes("server-1 server-2 agent-2", "server-3");
    await nothingLost(t, admin, "demotion and removal", () => cluster.operate("up"));
    await votersOf("server-2", "agent-2 server-1 server-2");
    assert.deepEqual(await roles(), {
      "server-1": server,
      "server-2": server,
      "agent-2": server,
      "server-3": "",
    });
    assert.equal(await output(cluster.machine("agent-1"), leftovers), "");
    for (const name of ["agent-1", "server-3"]) await stillLaid(cluster.machine(name));
    assert.match(
      await output(cluster.machine("agent-1"), "ls /var/lib/homelab-k3s/snapshots"),
      /^before-.*\.token$/m,
    );
    const { voters } = await cluster.outputs();
    assert.deepEqual(voters, ["agent-2", "server-1", "server-2"]);
    assert.deepEqual(await cordoned(), []);
    unchanged(await cluster.operate("up"));
  });

  test("S35 an agent comes back reinstalled under its name: its stale Node and password are cleared", async (t) => {
    await reinstall("server-3");
    await nodes("server-1 server-2 agent-2", "server-3");
    await nothingLost(t, admin, "return of an agent", () => cluster.operate("up"));
    assert.equal((await roles())["server-3"], "");
    unchanged(await cluster.operate("up"));
  });

  test("S34 a server is not removed when the others would have no majority", async () => {
    const second = cluster.machine("server-2");
    await output(second, "systemctl stop k3s");
    await nodes("server-1", "server-3");
    const said = await failedUp(rehearsal);
    assert.match(said, /agent-2: refused: only 1 of the 2 other voters are healthy; server-2-\w+ at \S+: /);
    await output(second, "systemctl start k3s");
    await nodes("server-1 server-2 agent-2", "server-3");
    await cluster.operate("up");
    await votersOf("server-2", "agent-2 server-1 server-2");
  });

  test("S34 M4 destroying everything leaves clean machines, and a last snapshot with its token", async () => {
    await cluster.operate("destroy");
    for (const name of ["server-1", "server-2", "server-3", "agent-1", "agent-2"]) {
      assert.equal(await output(cluster.machine(name), leftovers), "", name);
    }
    const kept = await output(cluster.machine("server-1"), "ls -l /var/lib/homelab-k3s/last");
    assert.match(kept, /^-rw------- .* last-\d{8}T\d{6}Z\.token$/m);
    assert.match(kept, /^-rw------- .* last-\d{8}T\d{6}Z$/m);
  });
});
