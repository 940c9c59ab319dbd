import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { emptyRoot, functions } from "./shell.ts";

/** A root whose /proc has these processes, by their environments. */
function rootWith(environments: Readonly<Record<number, string[]>>): string {
  const root = emptyRoot();
  for (const [pid, environment] of Object.entries(environments)) {
    const directory = join(root, "proc", pid);
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, "environ"), environment.map((entry) => `${entry}\0`).join(""));
  }
  return root;
}

const kubeVip = (address: string) => ["PATH=/bin", "vip_arp=true", `address=${address}`];

test("S26 K3 a machine says whether it has the address, who announces it there, and whether the API answers", async () => {
  const root = rootWith({ 71: kubeVip("192.0.2.10"), 72: ["PATH=/bin"] });
  mkdirSync(join(root, "etc/keepalived"), { recursive: true });
  writeFileSync(
    join(root, "etc/keepalived/keepalived.conf"),
    "  virtual_ipaddress {\n    192.0.2.10/32\n  }\n",
  );
  const body = (address: string, keepalived: boolean, pong: string) => `
    ip() { echo "2: eno1    inet 192.0.2.10/32 scope global eno1"; }
    curl() { echo ${pong}; }
    systemctl() { ${keepalived}; }
    verb_address --name server-1 --address ${address}`;
  const answer = async (...args: Parameters<typeof body>) => {
    const { stdout, stderr } = await functions(body(...args), [], root);
    assert.notEqual(stdout, "", stderr);
    return JSON.parse(stdout);
  };
  const all = { node: "server-1", interface: "eno1", by: ["keepalived", "kube-vip"], answers: true };
  assert.deepEqual(await answer("192.0.2.10", true, "pong"), all);
  assert.deepEqual(await answer("192.0.2.10", false, "404"), { ...all, by: ["kube-vip"], answers: false });
  const other = { ...all, interface: null, by: [] };
  assert.deepEqual(await answer("192.0.2.1", true, "pong"), other, "no part of an address is taken for it");
});

test("K3 kube-vip that is told to end takes its address away; what it leaves is taken away after it", async () => {
  const ended = async (obeys: boolean) => {
    const root = rootWith({});
    const { stdout } = await functions(
      `ip() { if [[ $1 == address ]]; then echo "ip $*"; else echo "2: eno1    inet 192.0.2.10/32 scope global eno1"; fi; }
       bash -c 'trap "${obeys ? `rm -r ${root}/proc/$$; exit` : ""}" TERM; while :; do sleep 0.05; done' &
       pid=$!
       mkdir -p "$PROC/$pid" && printf 'vip_arp=true\\0address=192.0.2.10\\0' >"$PROC/$pid/environ"
       sleep 0.3; SECONDS=0
       end_kube_vips
       sleep 0.1; kill -0 "$pid" 2>/dev/null && echo lives
       echo "$SECONDS s"`,
      [],
      root,
    );
    return stdout.trim().split("\n");
  };
  const [removal, seconds] = await ended(true);
  assert.equal(removal, "ip address delete 192.0.2.10/32 dev eno1");
  assert.ok(Number.parseInt(seconds!, 10) < 2, seconds);
  const stubborn = await ended(false);
  assert.equal(stubborn[0], "ip address delete 192.0.2.10/32 dev eno1");
  assert.ok(!stubborn.includes("lives"), "it is killed");
});
