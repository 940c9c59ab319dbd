import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { command } from "../../lab/machines/command.ts";
import { Lab } from "../../lab/machines/lab.ts";
import type { Machine } from "../../lab/machines/machine.ts";
import { addressIn, alive, boot, instance, output, traces, whyNotHere } from "./machines-helpers.ts";

const skip = whyNotHere();

describe("lab machines", { skip }, () => {
  let lab: Lab;
  let server: Machine;
  let agent: Machine;

  before(async () => {
    lab = await Lab.open({ instance, onProgress: (message) => console.log(`# ${message}`) });
    server = await lab.machine({ name: "server-1", address: addressIn(lab, 11) });
    agent = await lab.machine({ name: "agent-with-a-long-name-1", address: addressIn(lab, 21) });
    await Promise.all([server, agent].map(boot));
  });
  after(async () => await lab?.down());

  test("boot with nothing failed, as themselves, and reach each other by name", async () => {
    for (const [machine, other] of [
      [server, agent],
      [agent, server],
    ] as const) {
      const run = (text: string) => output(machine, text);
      assert.equal(await run("hostname"), machine.name);
      assert.equal(await run("systemctl is-system-running --wait"), "running");
      assert.match(await run("ip -4 -o address show eth0"), new RegExp(` ${machine.address}/24 `));
      assert.match(await run("ip route"), new RegExp(`default via ${lab.hostAddress} dev eth0`));
      assert.match(await run(`ping -c 1 -W 2 ${other.name}`), / 0% packet loss/);
    }
    const ids = [await output(server, "cat /etc/machine-id"), await output(agent, "cat /etc/machine-id")];
    assert.notEqual(ids[0], ids[1]);
    assert.match(ids[0]!, /^[0-9a-f]{32}$/);
    assert.notEqual(server.hostKey, agent.hostKey);
  });

  test("what pods need is writable, what must be on a disk is no overlay", async () => {
    const cgroups = "for d in /sys/fs/cgroup/*/; do mkdir $d/try && rmdir $d/try || echo $d; done";
    assert.equal(await output(server, cgroups), "");
    for (const path of ["/var/lib/rancher", "/var/lib/kubelet", "/var/log", "/var/lib/homelab-k3s"]) {
      assert.notEqual(await output(server, `stat -f -c %T ${path}`), "overlayfs");
    }
  });

  test("exec gives code, both outputs and takes input; admin may sudo, nosudo is asked for a password", async () => {
    const result = await server.exec("cat; echo to-err >&2; exit 3", { stdin: "to-out" });
    assert.deepEqual(result, { code: 3, stdout: "to-out", stderr: "to-err\n" });
    assert.equal((await server.exec("sudo -n id -u", { user: "admin" })).stdout, "0\n");
    const refused = await server.exec("sudo -n id -u", { user: "nosudo" });
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /a password is required/);
    await assert.rejects(server.exec("sleep 5", { timeoutMs: 200 }), /server-1: no end after 0.2 s: sleep 5/);
    assert.equal(await output(server, "echo again"), "again");
  });

  test("a power cut is quick and total; data survives it, and the machine is the same afterwards", async () => {
    await output(
      server,
      "echo kept > /var/lib/rancher/file; echo kept > /root/file; (setsid sleep 1000 &>/dev/null &)",
    );
    const [pid, id] = [server.pid!, await output(server, "cat /etc/machine-id")];
    const hanging = assert.rejects(server.exec("sleep 1000"), /connection lost/);
    const started = performance.now();
    await server.powerOff();
    const seconds = (performance.now() - started) / 1000;
    assert.ok(seconds < 5, `powerOff took ${seconds} s`);
    await hanging;
    assert.equal(server.up, false);
    assert.equal(await alive(pid), false);
    assert.notEqual((await agent.exec(`ping -c 1 -W 1 ${server.address}`)).code, 0);

    await boot(server);
    assert.equal(await output(server, "cat /var/lib/rancher/file /root/file"), "kept\nkept");
    assert.equal(await output(server, "cat /etc/machine-id"), id);
    assert.equal(
      await output(server, "journalctl --list-boots --quiet | grep -c -- -"),
      "2",
      "the journal before the power cut is there",
    );
  });

  test("a reboot stops services in order and keeps the network", async () => {
    const pid = server.pid;
    await server.reboot();
    await server.waitSsh();
    assert.notEqual(server.pid, pid);
    assert.match(await output(server, `ping -c 1 -W 2 ${agent.name}`), / 0% packet loss/);
  });

  test("a cut link leaves the machine running", async () => {
    const pid = server.pid;
    await output(server, "nohup sh -c 'sleep 1; ip -o link show eth0 > /root/link' >/dev/null 2>&1 &");
    await server.cutLink();
    assert.notEqual((await agent.exec(`ping -c 1 -W 1 ${server.address}`)).code, 0);
    await sleep(500);
    await server.restoreLink();
    assert.equal((await agent.exec(`ping -c 1 -W 2 ${server.address}`)).code, 0);
    assert.equal(server.pid, pid);
    assert.match(await output(server, "cat /root/link"), /NO-CARRIER/);
  });

  test("wipe empties the disk; the host key changes only when asked for", async () => {
    const [hostKey, id] = [server.hostKey, await output(server, "cat /etc/machine-id")];
    await server.wipe();
    assert.equal(server.up, false);
    await boot(server);
    assert.equal(server.hostKey, hostKey);
    assert.equal(await output(server, "ls /var/lib/rancher /root"), "/root:\n\n/var/lib/rancher:");
    assert.notEqual(await output(server, "cat /etc/machine-id"), id);
    await server.wipe({ newHostKey: true });
    assert.notEqual(server.hostKey, hostKey);
    await boot(server);
  });

  test("a machine with another host key is not talked to", async () => {
    const { Machine } = await import("../../lab/machines/machine.ts");
    const record = { name: server.name, address: server.address, hostKey: agent.hostKey, machineId: "" };
    const home = {
      directory: server.directory,
      network: lab.network,
      userKey: { privateKey: lab.privateKey, publicKey: "" },
    };
    const impostor = new Machine(record, {
      ...home,
      rootfs: async () => "",
      hosts: async () => "",
      record: async () => ({ instance: lab.instance, index: 0, createdAt: lab.createdAt }),
    });
    const started = performance.now();
    await assert.rejects(
      impostor.waitSsh(),
      /server-1: host key of .*: found ssh-ed25519 .*, want ssh-ed25519/,
    );
    assert.ok(performance.now() - started < 5000, "waiting does not help, so it does not wait");
  });

  test("a second lab is beside the first, and its end does not touch the first", async () => {
    const other = await Lab.open({ instance: `${instance}-b` });
    try {
      assert.notEqual(other.network.cidr, lab.network.cidr);
      const machine = await other.machine({ name: "server-1", address: addressIn(other, 11) });
      await boot(machine);
      assert.notEqual(machine.hostKey, server.hostKey);
    } finally {
      await other.down();
    }
    assert.equal(await traces(other), "");
    assert.match(await output(server, `ping -c 1 -W 2 ${agent.name}`), / 0% packet loss/);
  });

  test("another program finds the lab as it is; status says what runs", async () => {
    const found = await Lab.find(instance);
    const { machines } = await found!.status();
    assert.deepEqual(
      machines.map(({ name, up, pid }) => ({ name, up, pid })),
      [
        { name: agent.name, up: true, pid: agent.pid },
        { name: server.name, up: true, pid: server.pid },
      ],
    );
    for (const machine of machines) {
      assert.ok(Math.abs(Date.now() - Date.parse(machine.since!)) < 120_000, `since ${machine.since}`);
      assert.ok(machine.memoryBytes > 1e6 && machine.memoryBytes < 1e9, `memory ${machine.memoryBytes}`);
      assert.ok(machine.diskBytes > 1e4 && machine.diskBytes < 1e9, `disk ${machine.diskBytes}`);
    }
    await assert.rejects(lab.machine({ name: "x", address: server.address }), /one name for one address/);
    await assert.rejects(
      lab.machine({ name: "x", address: lab.network.vip }),
      /neither the host's .* nor the endpoint's/,
    );
  });

  test("a machine whose nspawn was killed, and mounts left over, are no obstacle to start", async () => {
    const { stdout } = await command("pgrep", ["--full", "--", `--machine=${agent.unit} `]);
    process.kill(Number(stdout.trim().split("\n")[0]), "SIGKILL");
    await sleep(200);
    await agent.powerOff();
    await boot(agent);
    assert.equal(await output(agent, "echo here"), "here");
  });

  test("down leaves nothing", async () => {
    const pids = [server.pid, agent.pid];
    await lab.down();
    assert.equal(await traces(lab), "");
    for (const pid of pids) assert.equal(await alive(pid!), false);
    assert.equal(await Lab.find(instance), undefined);
    await lab.down(); // a second time is no error
  });
});
