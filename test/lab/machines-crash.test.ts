import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { killCgroup, removeCgroups } from "../../lab/machines/cgroup.ts";
import { Lab } from "../../lab/machines/lab.ts";
import { unmountBelow } from "../../lab/machines/mounts.ts";
import { deleteLink } from "../../lab/machines/network.ts";
import { ensureCommands } from "../../lab/machines/packages.ts";
import { labFile, readJson, writeJson } from "../../lab/machines/state.ts";
import {
  addressIn,
  boot,
  CHILD,
  instance,
  output,
  spawnChild,
  traces,
  whyNotHere,
} from "./machines-helpers.ts";

const skip = whyNotHere();

describe("lab machines and programs that end badly", { skip }, () => {
  const crashed = `${instance}-crash`;

  test("a program killed at any moment leaves a lab that can be removed, and opened again", async () => {
    const moments = [40, 120, 200, 280, 360, 440, 600, 900];
    for (const moment of moments) {
      const child = spawnChild([process.execPath, CHILD, crashed, "boot"]);
      await sleep(200 + moment); // Node itself takes about 200 ms to get there
      child.process.kill("SIGKILL");
      await child.ended;
      const lab = await Lab.find(crashed);
      if (lab === undefined) continue;
      if (moment === moments.at(-1)) {
        assert.match(await spawnChild([process.execPath, CHILD, crashed, "boot"]).ended, /^pids \d+,\d+\n$/);
      }
      await lab.down();
      assert.equal(await traces(lab), "", `killed after ${moment} ms`);
    }
  });

  test("two programs that start the same lab at once get one lab", async () => {
    const both = [1, 2].map(() => spawnChild([process.execPath, CHILD, crashed, "boot"]).ended);
    const [one, two] = await Promise.all(both);
    assert.match(one!, /^pids \d+,\d+\n$/);
    assert.equal(one, two);
    const lab = await Lab.find(crashed);
    await lab!.down();
    assert.equal(await traces(lab!), "");
  });

  test("a removal that was interrupted is finished by whoever opens the lab again", async () => {
    const old = await Lab.open({ instance: crashed });
    const machine = await old.machine({ name: "server-1", address: addressIn(old, 11) });
    await machine.start();
    await writeJson(labFile(crashed), { ...(await readJson<object>(labFile(crashed))), removing: true });
    await machine.powerOff();
    await assert.rejects(machine.start(), /found it removed, want it there to start server-1/);
    const lab = await Lab.open({ instance: crashed });
    assert.deepEqual(await lab.machines(), []);
    assert.notEqual(lab.createdAt, old.createdAt);
    await old.down(); // not its lab any more
    assert.ok(await Lab.find(crashed));
    await lab.down();
    assert.equal(await traces(lab), "");
  });

  test("after a reboot of the host the lab comes back with its machines and their disks", async () => {
    const before = await Lab.open({ instance: crashed });
    const { bridge } = before.network;
    const machine = await before.machine({ name: "server-1", address: addressIn(before, 11) });
    await boot(machine);
    await output(machine, "echo kept > /var/lib/rancher/file");
    // what a reboot takes away
    await deleteLink(bridge);
    await killCgroup(bridge);
    await removeCgroups(bridge);
    await unmountBelow(before.directory);
    const lab = await Lab.open({ instance: crashed });
    assert.equal(lab.network.bridge, bridge);
    const [again] = await lab.machines();
    assert.equal(again!.up, false);
    await boot(again!);
    assert.equal(await output(again!, "cat /var/lib/rancher/file"), "kept");
    await lab.down();
    assert.equal(await traces(lab), "");
  });

  test("a firewall that drops everything lets the lab's own traffic through, until down", async () => {
    await ensureCommands({ iptables: "iptables" }, console.log);
    await spawnChild(["unshare", "--net", process.execPath, CHILD, crashed, "firewall"]).ended;
  });
});
