import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { keyName, pinnedBlob } from "../../ssh/keys.ts";
import {
  type Cluster,
  failedUp,
  fingerprints,
  nodeEntry,
  output,
  type Rehearsal,
  rehearse,
  skip,
  timeout,
} from "./support.ts";

/** The longest that anybody waits for a machine that is off: the preflight gives up after a minute. */
const boundMs = 110_000;

describe("connections that fail", { skip, timeout }, () => {
  let rehearsal: Rehearsal;
  let cluster: Cluster;

  before(async () => {
    rehearsal = await rehearse("ssh", { servers: 5, agents: 0 });
    cluster = rehearsal.cluster;
  });
  after(() => rehearsal?.end());

  /** The servers of the stack, with something wrong about some of them. */
  const servers = (wrong: Record<string, object>) =>
    cluster.topology.servers.map(({ name }) => nodeEntry(cluster, name, wrong[name]));

  test("S07 a host key that differs stops everything, with both fingerprints", async () => {
    const other = cluster.machine("server-2").hostKey;
    const untouched = await fingerprints(cluster);
    await cluster.configure({ more: { servers: servers({ "server-1": { hostKey: other } }) } });
    const message = await failedUp(rehearsal);
    const fingerprint = (key: string) => keyName(pinnedBlob(key)).fingerprint;
    for (const part of [
      "server-1 (",
      "host key differs",
      fingerprint(other),
      fingerprint(cluster.machine("server-1").hostKey),
    ])
      assert.ok(message.includes(part), `${part} is not in: ${message}`);
    assertNoK3s(await fingerprints(cluster), untouched);
  });

  test("S07 the bastion's host key is pinned too", async () => {
    const { address: host } = cluster.machine("server-5");
    const ssh = { bastion: { host, hostKey: cluster.machine("server-4").hostKey } };
    await cluster.configure({ more: { ssh } });
    assert.match(await failedUp(rehearsal), /server-1: its bastion .*host key differs/);
  });

  test("S08 five different errors in bounded time, and nothing is changed anywhere", async () => {
    const untouched = await fingerprints(cluster);
    const [down, filtered, , key] = ["server-1", "server-2", "server-3", "server-4"].map((name) =>
      cluster.machine(name),
    );
    await down!.powerOff();
    await output(key!, "cp -p /etc/ssh/lab_authorized_keys /root/keys && : >/etc/ssh/lab_authorized_keys");
    await output(filtered!, "iptables -I INPUT -p tcp --dport 22 -m conntrack --ctstate NEW -j DROP");
    const wrong = { "server-3": { user: "kai" }, "server-5": { user: "nosudo" } };
    await cluster.configure({ more: { servers: servers(wrong) } });
    const began = Date.now();
    const message = await failedUp(rehearsal);
    assert.ok(Date.now() - began < boundMs, `${Date.now() - began} ms`);
    for (const expected of [
      /server-1 \(.*the host is down/,
      /server-2 \(.*port 22 is filtered/,
      /server-3 \(.*wrong user: the key is accepted for root/,
      /server-4 \(.*wrong key: SHA256:\S+ is not accepted for root/,
      /server-5 \(.*sudo asks nosudo for a password[\s\S]*NOPASSWD: ALL/,
    ])
      assert.match(message, expected);
    await output(filtered!, "iptables -F INPUT");
    await output(key!, "mv /root/keys /etc/ssh/lab_authorized_keys");
    await down!.start();
    await down!.waitSsh();
    assertNoK3s(await fingerprints(cluster), untouched);
  });

  test("S13 S14 ports that are taken or blocked and a clock that is off stop everything, all of them named at once", async () => {
    const untouched = await fingerprints(cluster);
    const at = (number: number) => cluster.machine(`server-${number}`);
    const aheadDate = `#!/bin/sh
[ "$*" = +%s%3N ] && exec /usr/bin/date -d "90 seconds" "$@"
exec /usr/bin/date "$@"
`;
    const drop = `INPUT -p udp --dport 8472 -s ${at(3).address} -j DROP`;
    const reject = `INPUT -p tcp --dport 2380 -s ${at(4).address} -j REJECT`;
    await output(
      at(1),
      "systemd-run --quiet --unit=other socat TCP-LISTEN:6443,fork,reuseaddr EXEC:/bin/cat",
    );
    await output(at(2), `iptables -I ${drop}`);
    await output(at(3), `iptables -I ${reject}`);
    await at(4).exec("cat >/usr/local/bin/date && chmod 755 /usr/local/bin/date", { stdin: aheadDate });
    await cluster.configure({ more: { servers: servers({}) } });
    const message = await failedUp(rehearsal);
    for (const expected of [
      /server-1: found TCP port 6443 taken by socat \(\d+\); wanted a port that is free/,
      /server-2: found UDP port 8472 blocked from server-3; wanted a way between the nodes/,
      /server-3: found TCP port 2380 blocked from server-4; wanted a way between the nodes/,
      /server-4: found a clock that is \d+\.\d s ahead/,
    ])
      assert.match(message, expected);
    assert.doesNotMatch(message, /server-5: found/);
    await output(at(1), "systemctl stop other");
    await output(at(2), `iptables -D ${drop}`);
    await output(at(3), `iptables -D ${reject}`);
    await output(at(4), "rm /usr/local/bin/date");
    assertNoK3s(await fingerprints(cluster), untouched);
  });
});

/** Compares what was there with what is there; logins leave their trace in the last line, which does not count. */
function assertNoK3s(found: Record<string, string>, untouched: Record<string, string>): void {
  for (const [name, text] of Object.entries(found)) {
    const files = (all: string) =>
      all.split("\n").filter((line) => /k3s|rancher/.test(line) && !line.startsWith("/root/.homelab-k3s/"));
    assert.deepEqual(files(text), files(untouched[name]!), name);
  }
}
