import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { connect } from "node:tls";
import type { Release } from "../../lab/prepare.ts";
import { unchanged, votersAre } from "../../lab/proof.ts";
import { membersOf } from "../../measure/etcd.ts";
import { type Access, api, nodesOf } from "../../measure/kube.ts";
import { apiPatiently } from "../../measure/patient.ts";
import { waitFor } from "../../measure/wait.ts";
import {
  adminOf,
  type Cluster,
  failedUp,
  output,
  type Rehearsal,
  rehearse,
  skipFor,
  timeout,
  uninterrupted,
  watched,
} from "./support.ts";

const versions = ["v1.33.5+k3s1", "v1.33.6+k3s1", "v1.34.2+k3s1", "v1.35.1+k3s1"];
const serverNames = ["server-1", "server-2", "server-3"];
const everyone = ["agent-1", ...serverNames];
/** The machines have this host's control groups. */
const cgroup2 = existsSync("/sys/fs/cgroup/cgroup.controllers");
const deployments = "/apis/apps/v1/namespaces/default/deployments";
const budgets = "/apis/policy/v1/namespaces/default/poddisruptionbudgets";

describe("changes of a living cluster of three servers and an agent", {
  skip: await skipFor(versions),
  timeout,
}, () => {
  let rehearsal: Rehearsal;
  let cluster: Cluster;
  let admin: Access;

  before(async () => {
    rehearsal = await rehearse("upgrade", { servers: 3, agents: 1, versions });
    cluster = rehearsal.cluster;
    await cluster.operate("up");
    admin = await adminOf(cluster);
    await startWeb(admin);
  });
  after(() => rehearsal?.end());

  const release = (index: number): Release => rehearsal.prepared.releases[index]!;
  const to = (index: number) => cluster.configure({ release: release(index) });
  const tlsSans = () => ["k3s.lab.example", cluster.lab.hostAddress];
  const running = async () =>
    Object.fromEntries((await nodesOf(admin)).map(({ name, version }) => [name, version]));
  const all = (version: string) => Object.fromEntries(everyone.map((name) => [name, version]));
  const voting = async () => votersAre(await membersOf(cluster.machine("server-1")), serverNames);

  test("S46 k3s 1.35 is refused where control groups are of version 1, until its kubelet is told to run there", {
    skip: cgroup2 && "this host has version 2",
  }, async () => {
    for (const name of everyone)
      await output(cluster.machine(name), "rm -f /var/lib/rancher/k3s/agent/etc/kubelet.conf.d/lab.conf");
    await to(3);
    const said = await failedUp(rehearsal);
    for (const name of everyone)
      assert.match(said, new RegExp(`${name}: refused: .* control groups of version 1 .*failCgroupV1`));
    assert.deepEqual(await running(), all(versions[0]!));
    for (const name of everyone) await output(cluster.machine(name), runOnVersion1);
  });

  test("S05 a skipped minor is refused before anything is touched", async () => {
    await to(3);
    assert.match(
      await failedUp(rehearsal),
      /server-1: found k3s v1\.33\.5\+k3s1 there and v1\.35\.1\+k3s1 in the stack; wanted a release of v1\.33 or v1\.34/,
    );
    await cluster.configure({ release: { ...release(0), version: "stable" } });
    assert.match(await failedUp(rehearsal), /version: found "stable"; wanted an exact release/);
    assert.deepEqual(await running(), all(versions[0]!));
  });

  test("K6 M5 S31 a patch: the second server fails and is put back, the first stays new, the next run goes on", async (t) => {
    await to(1);
    const second = cluster.machine("server-2");
    await refuseVersion(second, versions[1]!);
    const seen = await watched(t, admin, "patch that fails", async () => {
      const said = await failedUp(rehearsal);
      assert.match(said, /server-2: error: k3s\.service ended \d+ times/);
      assert.match(
        said,
        /undone: .*\/usr\/local\/bin\/k3s is again as it was; .*runs again with its old files/,
      );
      const partly = { ...all(versions[0]!), "server-1": versions[1]! };
      await waitFor("what runs", async () => assert.deepEqual(await running(), partly), {
        timeoutMs: 60_000,
      });
    });
    uninterrupted(seen);
    await voting();
    await output(second, "rm -r /etc/systemd/system/k3s.service.d && systemctl daemon-reload");
    uninterrupted(await watched(t, admin, "patch resumed", () => cluster.operate("up")));
    assert.deepEqual(await running(), all(versions[1]!));
    await voting();
    assert.match(await output(second, "ls /var/lib/homelab-k3s/snapshots"), /^before-\d{8}-\d{6}$/m);
  });

  test("P3 new names in the certificate, one server after another", async (t) => {
    await cluster.configure({ more: { tlsSans: tlsSans() } });
    uninterrupted(await watched(t, admin, "certificate names", () => cluster.operate("up")));
    for (const name of serverNames) {
      const served = await namesServed(cluster.machine(name).address, admin.ca);
      assert.ok(served.includes("DNS:k3s.lab.example"), `${name}: ${served}`);
      assert.ok(served.includes(`IP Address:${cluster.lab.hostAddress}`), `${name}: ${served}`);
    }
    unchanged(await cluster.operate("up"));
  });

  test("S32 a drain that a disruption budget blocks: named, and the node takes pods again", async () => {
    await to(2);
    await cluster.configure({ more: { tlsSans: tlsSans(), drainDeadline: 5 } });
    await apiPatiently(admin, "POST", budgets, {
      apiVersion: "policy/v1",
      kind: "PodDisruptionBudget",
      metadata: { name: "web" },
      spec: { maxUnavailable: 0, selector: { matchLabels: { app: "web" } } },
    });
    const said = await failedUp(rehearsal);
    assert.match(
      said,
      /server-1: error: this node was not drained within 5 s: default\/web-\S+: the PodDisruptionBudget web needs 4 healthy pods and has 4/,
    );
    assert.match(said, /undone: the node is uncordoned again/);
    assert.deepEqual(await cordoned(admin), []);
    assert.deepEqual(await running(), all(versions[1]!));
    await apiPatiently(admin, "DELETE", `${budgets}/web`);
  });

  test("K6 S33 a minor: every node is drained first, and what somebody else cordoned stays so", async (t) => {
    await cluster.configure({ more: { tlsSans: tlsSans(), drainDeadline: 60 } });
    await output(cluster.machine("server-1"), "k3s kubectl cordon agent-1");
    const old = await podsOf(admin);
    const said: string[] = [];
    const seen = await watched(t, admin, "minor", () =>
      cluster.operate("up", ({ diagnosticEvent }) => said.push(diagnosticEvent?.message ?? "")),
    );
    uninterrupted(seen);
    assert.deepEqual(await running(), all(versions[2]!));
    await voting();
    // a line comes twice: when it is said, and with the result of the step
    const drained = [...new Set(said.join("\n").match(/\S+: drained after/g))];
    assert.deepEqual(
      drained,
      [...serverNames, "agent-1"].map((name) => `${name}: drained after`),
    );
    const now = await podsOf(admin);
    assert.deepEqual(
      now.filter((pod) => old.includes(pod)),
      [],
    );
    assert.deepEqual(await cordoned(admin), ["agent-1"]);
    unchanged(await cluster.operate("up"));
  });

  test("S05 M5 there is no way down but a restore, and the stack says so", async () => {
    await to(1);
    assert.match(await failedUp(rehearsal), /k3s cannot be downgraded in place: restore a snapshot/);
    assert.deepEqual(await running(), all(versions[2]!));
  });

  test("M5 K6 back to the version of before, with the snapshot that the upgrade took: what came later is gone", async () => {
    const [, old, newer] = versions;
    assert.deepEqual(await running(), all(newer!));
    const kept = await output(
      cluster.machine("server-1"),
      "cd /var/lib/homelab-k3s/snapshots && ls before-*.json | tail -n 1",
    );
    const restore = { id: "back", snapshot: kept.trim().replace(/\.json$/, "") };
    await apiPatiently(admin, "POST", "/api/v1/namespaces/default/configmaps", {
      metadata: { name: "later" },
    });
    await cluster.configure({ release: release(1), more: { tlsSans: tlsSans(), restore } });
    await cluster.operate("up");
    await voting();
    admin = await adminOf(cluster);
    assert.deepEqual(await running(), all(old!));
    await assert.rejects(api(admin, "GET", "/api/v1/namespaces/default/configmaps/later"), /404/);
    unchanged(await cluster.operate("preview"));
  });
});

/** What somebody does who cannot boot a machine with control groups of version 2. */
const runOnVersion1 = `directory=/var/lib/rancher/k3s/agent/etc/kubelet.conf.d; mkdir -p $directory
  printf '%s\\n' 'apiVersion: kubelet.config.k8s.io/v1beta1' 'kind: KubeletConfiguration' 'failCgroupV1: false' >$directory/50-cgroup-v1.conf`;

/** Pods that no node must hold for good: one for each node. */
async function startWeb(admin: Access): Promise<void> {
  const labels = { app: "web" };
  const containers = [{ name: "web", image: "example.org/web:1" }];
  await apiPatiently(admin, "POST", deployments, {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web" },
    spec: {
      replicas: 4,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers } },
    },
  });
  await waitFor(
    "the pods run",
    async () => {
      const { status } = await api<{ status: { readyReplicas?: number } }>(
        admin,
        "GET",
        `${deployments}/web`,
      );
      assert.equal(status.readyReplicas, 4);
    },
    { timeoutMs: 60_000 },
  );
}

type Objects = { items: { metadata: { name: string; uid: string }; spec: { unschedulable?: boolean } }[] };

const podsOf = async (admin: Access) =>
  (await apiPatiently<Objects>(admin, "GET", "/api/v1/namespaces/default/pods")).items.map(
    ({ metadata }) => metadata.uid,
  );

/** Nodes that take no pods. */
const cordoned = async (admin: Access) =>
  (await apiPatiently<Objects>(admin, "GET", "/api/v1/nodes")).items
    .filter(({ spec }) => spec.unschedulable)
    .map(({ metadata }) => metadata.name);

/** From now on k3s does not start on this machine in one version. */
const refuseVersion = (machine: Parameters<typeof output>[0], version: string) =>
  output(
    machine,
    `mkdir -p /etc/systemd/system/k3s.service.d
     echo '[Service]
ExecStartPre=/bin/sh -c "! /usr/local/bin/k3s --version | grep -qF ${version}"' >/etc/systemd/system/k3s.service.d/refuse.conf
     systemctl daemon-reload`,
  );

/** The names in the certificate that a server shows on 6443. */
function namesServed(host: string, ca: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port: 6443, ca }, () => {
      const { subjectaltname = "" } = socket.getPeerCertificate();
      socket.end();
      resolve(subjectaltname);
    });
    socket.once("error", reject);
  });
}
