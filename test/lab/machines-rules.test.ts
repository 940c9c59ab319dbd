import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseHierarchies } from "../../lab/machines/cgroup.ts";
import { filters } from "../../lab/machines/firewall.ts";
import { checkMachine, hostsFile } from "../../lab/machines/identity.ts";
import { mountsBelow } from "../../lab/machines/mounts.ts";
import { networkOf, overlaps, pickIndex } from "../../lab/machines/network.ts";
import { nspawnArgs } from "../../lab/machines/nspawn.ts";
import { mirrorFrom, stepOf } from "../../lab/machines/rootfs.ts";
import { labDir } from "../../lab/paths.ts";

describe("lab machines: what is decided without touching anything", () => {
  test("a lab takes the lowest subnet that no lab has and the host does not route", () => {
    assert.equal(pickIndex([], ["default", "192.0.2.0/24"]), 0);
    assert.equal(pickIndex([0, 1, 3], []), 2);
    assert.equal(pickIndex([0], ["10.87.1.128/25", "10.87.2.7"]), 3);
    assert.throws(
      () => pickIndex([], ["10.0.0.0/8"]),
      /no free subnet in 10\.87\.0\.0\/24 to 10\.87\.199\.0\/24/,
    );
  });

  test("two ranges overlap when one is in the other", () => {
    for (const [a, b, expected] of [
      ["10.87.0.0/24", "10.87.0.0/24", true],
      ["10.87.0.0/24", "10.87.1.0/24", false],
      ["10.87.0.0/16", "10.87.9.0/24", true],
      ["10.87.9.1", "10.87.9.0/24", true],
      ["0.0.0.0/0", "10.87.9.0/24", true],
      ["203.0.113.0/24", "10.87.9.0/24", false],
      ["default", "10.87.9.0/24", false],
    ] as const) {
      assert.equal(overlaps(a, b), expected, `${a} ${b}`);
      assert.equal(overlaps(b, a), expected, `${b} ${a}`);
    }
  });

  test("control groups of a hybrid and of a unified host", () => {
    const hybrid = [
      "tmpfs /sys/fs/cgroup tmpfs rw 0 0",
      "cgroup /sys/fs/cgroup/cpuset cgroup rw,relatime,cpuset 0 0",
      "cgroup /sys/fs/cgroup/systemd cgroup rw,relatime,name=systemd 0 0",
      "cgroup2 /sys/fs/cgroup/unified cgroup2 rw,relatime 0 0",
    ].join("\n");
    assert.deepEqual(parseHierarchies(hybrid), [
      { mountpoint: "/sys/fs/cgroup/cpuset", version: 1, cpuset: true },
      { mountpoint: "/sys/fs/cgroup/systemd", version: 1, cpuset: false },
      { mountpoint: "/sys/fs/cgroup/unified", version: 2, cpuset: false },
    ]);
    assert.deepEqual(parseHierarchies("cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n"), [
      { mountpoint: "/sys/fs/cgroup", version: 2, cpuset: false },
    ]);
  });

  test("mounts are taken apart from the inside, and a longer name is not below", () => {
    const line = (path: string) => `36 35 98:0 / ${path} rw - overlay overlay rw`;
    const info = ["/", "/lab/a", "/lab/a/root", "/lab/a/root/with\\040space", "/lab/ab"].map(line).join("\n");
    assert.deepEqual(mountsBelow(info, "/lab/a"), ["/lab/a/root/with space", "/lab/a/root", "/lab/a"]);
  });

  test("the mirror is the host's own for Debian 12, else mmdebstrap's", () => {
    const own = "bookworm-updates main http://a.example/debian/\nbookworm main http://b.example/debian/\n";
    assert.equal(mirrorFrom(own), "http://b.example/debian");
    assert.equal(mirrorFrom("noble main http://ubuntu.example/ubuntu/\n"), "");
    assert.equal(mirrorFrom(""), "");
  });

  test("of a build's output, people see the steps", () => {
    assert.equal(stepOf("I: downloading packages with apt..."), "downloading packages with apt...");
    assert.equal(stepOf("I: success in 60.6843 seconds"), undefined);
    assert.equal(stepOf("I: chroot architecture amd64 is equal to the host's architecture"), undefined);
    assert.equal(stepOf("Setting up libc6"), undefined);
  });

  test("a host filters when a policy or a rule says so", () => {
    assert.equal(filters("-P INPUT ACCEPT\n-P FORWARD ACCEPT\n-P OUTPUT DROP\n"), false);
    assert.equal(filters("-P INPUT ACCEPT\n-P FORWARD DROP\n"), true);
    assert.equal(filters("-P INPUT ACCEPT\n-P FORWARD ACCEPT\n-A INPUT -p tcp -j DROP\n"), true);
  });

  test("names and addresses of machines", () => {
    const network = networkOf(7);
    checkMachine("server-1", "10.87.7.11", network);
    for (const name of ["", "-a", "a-", "A", "a.b", "a".repeat(41), "a b", "$(id)"]) {
      assert.throws(() => checkMachine(name, "10.87.7.11", network), /lab machine: name: found/, name);
    }
    for (const address of [
      "10.87.7.1",
      "10.87.7.10",
      "10.87.7.0",
      "10.87.7.255",
      "10.87.8.11",
      "10.87.7.11x",
      "",
    ]) {
      assert.throws(
        () => checkMachine("a", address, network),
        /address: found .*, want one in 10\.87\.7\.0\/24/,
        address,
      );
    }
    assert.match(hostsFile([{ name: "a", address: "10.87.7.11" }]), /^10\.87\.7\.11 a$/m);
  });

  test("an instance's name becomes a directory, and nothing else", () => {
    assert.equal(labDir("ci-1"), "/var/lib/homelab-k3s-lab/ci-1");
    for (const name of ["", "..", "a/b", ".hidden", "A", "a-", "a".repeat(33)]) {
      assert.throws(() => labDir(name), /lab instance: found/, name);
    }
  });

  test("nspawn gets one argument a value, in the machine's own names", () => {
    const args = nspawnArgs(
      { unit: "k3slab0-a", hostname: "a", root: "/r", bridge: "k3slab0", binds: { "/var/log": "/d/log" } },
      ["/dev/kmsg"],
    );
    for (const wanted of [
      "--directory=/r",
      "--machine=k3slab0-a",
      "--network-bridge=k3slab0",
      "--bind=/d/log:/var/log",
    ]) {
      assert.ok(args.includes(wanted), wanted);
    }
    assert.ok(args.includes("--bind=/dev/kmsg"));
  });
});
