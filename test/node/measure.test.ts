import assert from "node:assert/strict";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { listening, measuring } from "../../config/measured.ts";
import { emptyRoot, functions, verb } from "./shell.ts";

/** A root with what every machine has. */
function machine(): string {
  const root = emptyRoot();
  for (const directory of ["run", "proc/net", "var/lib"])
    mkdirSync(join(root, directory), { recursive: true });
  return root;
}

const heading =
  "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";

test("S13 a port that is taken is found with its owner, listening or over UDP", async () => {
  const root = machine();
  // 192B is 6443; 2118 is 8472
  writeFileSync(
    join(root, "proc/net/tcp6"),
    `${heading}   0: 00000000000000000000000000000000:192B 00000000:0000 0A 0:0 0:0 0 0 0 4711 1\n`,
  );
  writeFileSync(
    join(root, "proc/net/tcp"),
    `${heading}   0: 0100007F:094B 0100007F:9999 01 0:0 0:0 0 0 0 4712 1\n`,
  );
  writeFileSync(
    join(root, "proc/net/udp"),
    `${heading}   0: 00000000:2118 00000000:0000 07 0:0 0:0 0 0 0 0 1\n`,
  );
  mkdirSync(join(root, "proc/812/fd"), { recursive: true });
  writeFileSync(join(root, "proc/812/comm"), "nginx\n");
  symlinkSync("socket:[4711]", join(root, "proc/812/fd/5"));
  const body = `look_at_ports server; printf '%s\\n' "\${TAKEN[@]}" "free \${FREE[*]}"; socket_on udp 8472 && owner_of "$REPLY" && echo "$REPLY"`;
  const { stdout } = await functions(body, [], root);
  // a connection through port 2379 does not take it
  assert.equal(stdout, "tcp 6443 nginx (812)\nfree 2379 2380 10250\nthe kernel\n");
});

test("M1 a new machine is measured without anything staying there", async () => {
  const root = machine();
  const listens = await verb(root, ["listen", "--name", "n1", "--role", "server"]);
  assert.equal(listens.code, 0, listens.stderr);
  const heard = JSON.parse(listens.stdout);
  assert.equal(heard.new, true);
  // the place is below the test's own root
  assert.ok(heard.place.startsWith(`${root}/run/homelab-k3s-listen.`));
  assert.equal(listening.safeParse({ ...heard, place: heard.place.slice(root.length) }).success, true);
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const args = ["--name", "n1", "--role", "server", "--peer", "n2=127.0.0.1", "--server", "n1"];
  const measured = await verb(root, ["measure", ...args]);
  server.close();
  assert.equal(measured.code, 0, measured.stderr);
  const { knocks, disk } = measuring.parse(JSON.parse(measured.stdout));
  assert.deepEqual(
    knocks.map(({ to, port }) => `${to} ${port}`),
    ["n2 10250"],
  );
  assert.equal(disk?.medium, "disk");
  assert.ok(disk?.syncMicros && disk.syncMicros > 0, JSON.stringify(disk));
  const ended = await verb(root, ["unlisten", "--name", "n1", "--place", heard.place]);
  assert.deepEqual(JSON.parse(ended.stdout), { node: "n1", heard: [] });
  const { stdout } = await functions('find "$K3S_NODE_ROOT" -name "*homelab*"', [], root);
  assert.equal(stdout, "");
});

test("where k3s is, or was, ports and disk are left alone", async () => {
  const root = machine();
  mkdirSync(join(root, "etc/rancher/k3s"), { recursive: true });
  writeFileSync(join(root, "etc/rancher/k3s/config.yaml"), "");
  const { stdout } = await verb(root, ["listen", "--name", "n1", "--role", "server", "--vxlan"]);
  assert.deepEqual(JSON.parse(stdout), {
    node: "n1",
    new: false,
    taken: [],
    listens: [],
    vxlan: false,
    place: null,
  });
  const measured = await verb(root, ["measure", "--name", "n1", "--role", "server"]);
  assert.deepEqual(JSON.parse(measured.stdout), { node: "n1", knocks: [], disk: null });
});

test("S38 nothing but what listen made is ended", async () => {
  const root = machine();
  for (const place of ["/etc", `${root}/run/homelab-k3s-listen.x/../..`, `${root}/run`]) {
    const { code } = await verb(root, ["unlisten", "--name", "n1", "--place", place]);
    assert.equal(code, 2, place);
  }
});

test("H5 an SD card is told from eMMC and from a disk, also below a partition", async () => {
  const root = machine();
  const devices = { "mmcblk0/mmcblk0p2": "SD", "mmcblk1/mmcblk1p1": "MMC", "sda/sda1": undefined };
  mkdirSync(join(root, "sys/class/block"), { recursive: true });
  for (const [path, type] of Object.entries(devices)) {
    const [whole = "", part = ""] = path.split("/");
    mkdirSync(join(root, "sys/devices", whole, part), { recursive: true });
    mkdirSync(join(root, "sys/devices", whole, "device"), { recursive: true });
    if (type) writeFileSync(join(root, "sys/devices", whole, "device/type"), `${type}\n`);
    symlinkSync(join(root, "sys/devices", whole, part), join(root, "sys/class/block", part));
    symlinkSync(join(root, "sys/devices", whole), join(root, "sys/class/block", whole));
  }
  const body = 'for device in "$@"; do medium_of "$device"; echo "$REPLY"; done';
  const asked = ["/dev/mmcblk0p2", "/dev/mmcblk0", "/dev/mmcblk1p1", "/dev/sda1", "overlay"];
  const { stdout } = await functions(body, asked, root);
  assert.equal(stdout, "sd-card\nsd-card\ndisk\ndisk\ndisk\n");
});
