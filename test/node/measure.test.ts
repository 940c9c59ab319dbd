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

const measure = (root: string, words: string, ...args: string[]) =>
  verb(root, ["measure", "--name", "n1", "--role", "server", "--server", "n1", ...args], words);

test("M1 a new machine is measured without anything staying there", async () => {
  const root = machine();
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { code, stdout, stderr } = await measure(root, "measure\nend\n", "--peer", "n2=127.0.0.1");
  server.close();
  assert.equal(code, 0, stderr);
  const [listens, measured, end] = stdout.split("\n").map((line) => (line === "" ? null : JSON.parse(line)));
  assert.equal(listening.parse(listens).new, true);
  const { knocks, disk } = measuring.parse(measured);
  assert.deepEqual(
    knocks.map(({ to, port }) => `${to} ${port}`),
    ["n2 10250"],
  );
  assert.equal(disk?.medium, "disk");
  assert.ok(disk?.syncMicros && disk.syncMicros > 0, JSON.stringify(disk));
  assert.deepEqual(end, { node: "n1", heard: [] });
  assert.equal(await left(root), "");
});

test("a machine without peers is measured as soon as its disk is: nobody waits for its own listeners", async () => {
  const root = machine();
  for (const file of ["tcp", "tcp6", "udp", "udp6"])
    symlinkSync(`/proc/net/${file}`, join(root, "proc/net", file));
  const began = Date.now();
  const { code, stdout, stderr } = await measure(root, "measure\nend\n");
  assert.equal(code, 0, stderr);
  const [listens, measured] = stdout.split("\n");
  assert.ok(listening.parse(JSON.parse(listens!)).listens.length > 0, "it listens meanwhile");
  assert.deepEqual(measuring.parse(JSON.parse(measured!)).knocks, []);
  assert.ok(
    Date.now() - began < 15_000,
    `${Date.now() - began} ms; listeners go away by themselves after 20 s`,
  );
});

test("where k3s is, or was, ports and disk are left alone", async () => {
  const root = machine();
  mkdirSync(join(root, "etc/systemd/system"), { recursive: true });
  writeFileSync(join(root, "etc/systemd/system/k3s.service"), "");
  const { stdout } = await measure(root, "measure\nend\n", "--vxlan");
  assert.deepEqual(
    stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line)),
    [
      { node: "n1", new: false, taken: [], listens: [], vxlan: false },
      { node: "n1", knocks: [], disk: null },
      { node: "n1", heard: [] },
    ],
  );
});

test("S38 whoever measured and went away leaves no listener and no file", async () => {
  const root = machine();
  // this machine's own sockets, so that the listeners are seen
  for (const file of ["tcp", "tcp6", "udp", "udp6"])
    symlinkSync(`/proc/net/${file}`, join(root, "proc/net", file));
  const body = `exec 3>&1
    seen() { look_at_sockets; if socket_on tcp 10250; then echo "$1: listens"; else echo "$1: silent"; fi >&3; }
    await_word() { seen here; exit 3; }
    (verb_measure --name n1 --role agent) >/dev/null; sleep 0.5; seen gone`;
  const { stdout } = await functions(body, [], root);
  assert.equal(stdout, "here: listens\ngone: silent\n");
  assert.equal(await left(root), "");
  const gone = await measure(root, "measure\n");
  assert.equal(gone.code, 3);
  assert.match(gone.stderr, /the other side said '', expected 'end': it was ended, or took more than 20 s/);
  assert.equal(await left(root), "");
});

async function left(root: string): Promise<string> {
  const { stdout } = await functions('find "$K3S_NODE_ROOT" -name "*homelab*"', [], root);
  return stdout;
}

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
