/** What the tests run as programs of their own: `machines-child.ts INSTANCE boot|ping-behind-firewall`. */
import assert from "node:assert/strict";
import { command } from "../../lab/machines/command.ts";
import { Lab } from "../../lab/machines/lab.ts";

const [instance = "", what] = process.argv.slice(2);

async function boot(): Promise<Lab> {
  const lab = await Lab.open({ instance });
  const addresses = [11, 12].map((host) => lab.hostAddress.replace(/1$/, String(host)));
  for (const [index, address] of addresses.entries()) {
    const machine = await lab.machine({ name: `server-${index + 1}`, address });
    await machine.start();
  }
  for (const machine of await lab.machines()) await machine.waitSsh();
  return lab;
}

/** In a network namespace of its own, whose firewall is as strict as one can be. */
async function pingBehindFirewall(): Promise<void> {
  for (const chain of ["INPUT", "FORWARD"]) await command("iptables", ["--policy", chain, "DROP"]);
  const lab = await boot();
  try {
    const [first] = await lab.machines();
    const ping = await first!.exec(`ping -c 1 -W 2 server-2 && ping -c 1 -W 2 ${lab.hostAddress}`);
    assert.equal(ping.code, 0, ping.stdout);
    assert.match(
      (await command("iptables", ["--list-rules"])).stdout,
      new RegExp(`-i ${lab.network.bridge} `),
    );
  } finally {
    await lab.down();
  }
  assert.doesNotMatch((await command("iptables", ["--list-rules"])).stdout, /k3slab/);
}

if (what === "boot") console.log(`pids ${(await (await boot()).machines()).map((machine) => machine.pid)}`);
else await pingBehindFirewall();
