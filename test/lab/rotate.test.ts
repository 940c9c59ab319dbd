import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { request } from "node:https";
import { after, before, describe, test } from "node:test";
import { release, stopAt, stopped } from "../../bench/interruptions/stop.ts";
import { killTree, startClient } from "../../lab/client-process.ts";
import type { Machine } from "../../lab/machines/machine.ts";
import { unchanged, votersAre } from "../../lab/proof.ts";
import { everyServerReturns } from "../../lab/restarts.ts";
import { membersOf } from "../../measure/etcd.ts";
import { type Access, accessOf } from "../../measure/kube.ts";
import { apiPatiently } from "../../measure/patient.ts";
import { waitFor } from "../../measure/wait.ts";
import { findingsOf } from "./operator.ts";
import {
  adminOf,
  type Cluster,
  failedUp,
  output,
  type Rehearsal,
  rehearse,
  skip,
  timeout,
  uninterrupted,
  watched,
} from "./support.ts";

const serverNames = ["server-1", "server-2", "server-3"];
const secrets = "/api/v1/namespaces/default/secrets";
const data = "/var/lib/rancher/k3s";

/** The status of a request that only one who knows the password of `user` may make. */
function statusOf(server: Machine, user: string, password: string): Promise<number> {
  const path = user === "server" ? "/v1-k3s/server-bootstrap" : "/v1-k3s/config";
  const options = { auth: `${user}:${password}`, rejectUnauthorized: false, agent: false as const };
  return new Promise((resolve, reject) => {
    const asked = request(`https://${server.address}:6443${path}`, options, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    asked.once("error", reject).end();
  });
}

const password = async (machine: Machine, file: string) =>
  (await output(machine, `cat ${data}/server/${file}`)).trim().split(":").at(-1)!;

type KeyState = { stage: string; activekey: string; hashmatch?: boolean; inactivekeys?: string[] };
const keysOf = async (machine: Machine) =>
  JSON.parse(await output(machine, "k3s secrets-encrypt status --output json")) as KeyState;

describe("rotations", { skip, timeout }, () => {
  let rehearsal: Rehearsal;
  let cluster: Cluster;
  let admin: Access;
  const old = { server: "", agent: "", key: "" };

  before(async () => {
    rehearsal = await rehearse("rotate", { servers: 3, agents: 1 });
    cluster = rehearsal.cluster;
    await cluster.operate("up");
    admin = await adminOf(cluster);
    const first = cluster.machine("server-1");
    old.server = await password(first, "token");
    old.agent = await password(first, "agent-token");
    old.key = (await keysOf(first)).activekey;
    const content = { stringData: { content: "kept" } };
    await apiPatiently(admin, "POST", secrets, {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "kept" },
      ...content,
    });
  });
  after(() => rehearsal?.end());

  const servers = () => serverNames.map((name) => cluster.machine(name));

  test("S36 one server is down: nothing is rotated, and it is named", async () => {
    const third = cluster.machine("server-3");
    await output(third, "systemctl stop k3s");
    await cluster.configure({ more: { rotate: { serverToken: 1 } } });
    const said = await failedUp(rehearsal);
    assert.match(said, /refused: 2 of 3 voters are healthy \(server-3-\S+ at \S+: /);
    for (const server of servers().slice(0, 2)) {
      assert.equal(await password(server, "token"), old.server);
      assert.equal(await statusOf(server, "server", old.server), 200);
    }
    await output(third, "systemctl start k3s");
    await waitFor("three voters", async () => votersAre(await membersOf(third), serverNames), {
      timeoutMs: 60_000,
    });
  });

  test("P5 one `up` rotates everything, one server at a time, and no write is lost", async (t) => {
    const counters = { serverToken: 1, agentToken: 1, certificates: 1, encryptionKeys: 1 };
    await cluster.configure({ more: { rotate: counters } });
    uninterrupted(await watched(t, admin, "all rotations", () => cluster.operate("up")));
    for (const server of servers()) votersAre(await membersOf(server), serverNames);
  });

  test("S36 the old tokens are refused by every server, and the new ones accepted", async () => {
    const first = cluster.machine("server-1");
    const now = { server: await password(first, "token"), agent: await password(first, "agent-token") };
    assert.notEqual(now.server, old.server);
    assert.notEqual(now.agent, old.agent);
    for (const server of servers()) {
      for (const user of ["server", "agent"] as const) {
        const name = user === "server" ? "server" : "node";
        assert.equal(await statusOf(server, name, now[user]), 200, `${server.name}, the new ${user} token`);
        assert.equal(await statusOf(server, name, old[user]), 401, `${server.name}, the old ${user} token`);
      }
    }
    const join = await output(cluster.machine("agent-1"), "cat /etc/rancher/k3s/config.yaml.d/10-join.yaml");
    assert.ok(join.includes(now.agent));
  });

  test("S37 no token stands in a log, nor in what was copied to a node", async () => {
    const first = cluster.machine("server-1");
    const tokens = [
      old.server,
      old.agent,
      await password(first, "token"),
      await password(first, "agent-token"),
    ];
    for (const { name } of cluster.topology.nodes) {
      const places = "/var/lib/homelab-k3s/log /root/.homelab-k3s /tmp /var/tmp";
      const search = `cat >/run/tokens; { journalctl --no-pager; grep -rhs '' ${places}; } | grep -cFf /run/tokens; rm /run/tokens`;
      const { stdout } = await cluster.machine(name).exec(search, { stdin: `${tokens.join("\n")}\n` });
      assert.equal(stdout.trim(), "0", name);
    }
  });

  test("P5 the snapshot from before has the old token beside it", async () => {
    const kept = await output(
      cluster.machine("server-1"),
      "cat $(ls /var/lib/homelab-k3s/snapshots/before-*.token | head -n 1)",
    );
    assert.equal(kept.trim().split(":").at(-1), old.server);
  });

  test("P5 M6 every certificate is new, and the kubeconfig that the stack exports works", async () => {
    const outputs = await cluster.outputs();
    const fresh = accessOf(outputs.kubeconfig as string);
    assert.notEqual(
      new X509Certificate(fresh.cert).serialNumber,
      new X509Certificate(admin.cert).serialNumber,
    );
    await apiPatiently(fresh, "GET", "/readyz");
    admin = fresh;
    const ends = Object.entries(outputs.certificates as Record<string, string>);
    assert.deepEqual(ends.map(([name]) => name).sort(), serverNames);
    for (const [name, end] of ends)
      assert.ok(Date.parse(end) > Date.now() + 364 * 86_400_000, `${name}: ${end}`);
    for (const { name } of cluster.topology.nodes) {
      const copies = await output(
        cluster.machine(name),
        `ls -d ${data}/server/tls-* ${data}/agent/tls-* 2>/dev/null; true`,
      );
      assert.notEqual(copies, "", `${name} rotated its certificates`);
    }
  });

  test("P5 Secrets are encrypted with a new key that all servers have, and can be read through each", async () => {
    for (const server of servers()) {
      const { activekey, inactivekeys, hashmatch } = await keysOf(server);
      assert.ok(hashmatch, server.name);
      assert.notEqual(activekey, old.key);
      assert.deepEqual(inactivekeys ?? [], []);
      const own = { ...admin, server: `https://${server.address}:6443` };
      const { data: read } = await apiPatiently<{ data: { content: string } }>(own, "GET", `${secrets}/kept`);
      assert.equal(Buffer.from(read.content, "base64").toString(), "kept");
    }
  });

  test("S41 after a rotation of everything, and of the agent token alone, every server comes back twice and once without power", async (t) => {
    await everyServerReturns(cluster, admin);
    const counters = { serverToken: 1, agentToken: 2, certificates: 1, encryptionKeys: 1 };
    await cluster.configure({ more: { rotate: counters } });
    uninterrupted(await watched(t, admin, "the agent token", () => cluster.operate("up")));
    await everyServerReturns(cluster, admin);
    assert.deepEqual(
      (await findingsOf(cluster)).filter(({ severity }) => severity !== "notice"),
      [],
    );
  });

  test("S19 a second `up` changes nothing; a counter that is lowered is refused", async () => {
    unchanged(await cluster.operate("up"));
    await cluster.configure({ more: { rotate: { serverToken: 1, agentToken: 2, encryptionKeys: 1 } } });
    assert.match(await failedUp(rehearsal), /refused: rotate\.certificates was 1 .* is 0 in the stack/);
  });

  test("S36 the power is cut when the token is rotated and nobody else knows it: one more run converges", async (t) => {
    const rotate = { serverToken: 2, agentToken: 2, certificates: 1, encryptionKeys: 1 };
    await cluster.configure({ more: { rotate } });
    const { written } = await watched(t, admin, "a token rotation with a power cut", async () => {
      const first = cluster.machine("server-1");
      await stopAt(first, "end token");
      const client = startClient(cluster.lab.instance, rehearsal.prepared.env);
      await stopped(first, client.ended);
      await first.powerOff();
      await release(first);
      await killTree(client);
      await first.start();
      await first.waitSsh();
      await cluster.operate("up");
    });
    assert.deepEqual(written.lost, []);
    for (const server of servers()) votersAre(await membersOf(server), serverNames);
    unchanged(await cluster.operate("preview"));
  });
});
