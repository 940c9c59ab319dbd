import assert from "node:assert/strict";
import { test } from "node:test";
import { functions, put, rootWith } from "./shell.ts";

const conf = `vrrp_instance api {
  virtual_ipaddress {
    192.0.2.10/32
  }
}
`;

/**
 * Runs a verb on a machine where systemd and the network are made up, and gives all that was asked of them.
 * @param active whether keepalived runs
 * @param holds the interfaces with the address
 */
async function asked(verb: string, { active = true, ours = true, holds = ["eno1"] } = {}): Promise<string[]> {
  const root = rootWith({ "etc/keepalived/keepalived.conf": conf });
  if (ours) put(root, "var/lib/homelab-k3s/original/%etc%keepalived%keepalived.conf.absent", "");
  const body = `
    file_of() { REPLY=/etc/keepalived/keepalived.conf; [[ $1 == keepalived ]] && REPLY=$ROOT$REPLY; }
    managed() { ${ours}; }
    systemctl() { echo "systemctl $*" >>"$ROOT/asked"; case "$*" in *is-active*) ${active} ;; esac; }
    ip() { case "$*" in
        "-o address show") for on in ${holds.join(" ")}; do echo "2: $on    inet 192.0.2.10/32 scope global $on"; done ;;
        *"show dev lo"*) [[ " ${holds.join(" ")} " != *" lo "* ]] || echo "1: lo inet 192.0.2.10/32" ;;
        *) echo "ip $*" >>"$ROOT/asked" ;; esac; }
    verb_${verb} --name server-1 --address 192.0.2.10 --deadline 60; cat "$ROOT/asked"`;
  const { stdout, stderr } = await functions(body, [], root);
  const [answer, ...rest] = stdout.trim().split("\n");
  assert.match(answer!, /^\{"node":"server-1"/, stderr);
  return rest.filter((line) => !line.includes("is-active"));
}

test("S48 keepalived is killed, not stopped, so that the address stays, and is then held on the loopback interface", async () => {
  const all = await asked("handover");
  assert.equal(all.at(-1), "ip address replace 192.0.2.10/32 dev lo");
  const kill = all.findIndex((line) => line.includes("--signal=KILL keepalived"));
  const stop = all.indexOf("systemctl stop keepalived");
  assert.ok(kill >= 0 && stop > kill, all.join("\n"));
});

test("S48 a server without the address only ends its keepalived", async () => {
  const all = await asked("handover", { holds: [] });
  assert.ok(all.every((line) => !line.startsWith("ip ")));
  assert.ok(all.some((line) => line.includes("--signal=KILL")));
});

test("S48 a keepalived that is not ours, or does not run, is left alone", async () => {
  assert.deepEqual(await asked("handover", { ours: false }), []);
  assert.deepEqual(await asked("handover", { active: false }), []);
});

test("S48 when kube-vip goes again, keepalived has the address as before", async () => {
  const all = await asked("handover_undo", { active: false, holds: ["lo"] });
  assert.ok(all.includes("systemctl restart keepalived"));
  assert.equal(all.at(-1), "ip address delete 192.0.2.10/32 dev lo");
  assert.deepEqual(await asked("handover_undo", { ours: false, holds: [] }), []);
});

test("S48 keepalived's removal takes the address from the loopback interface, and reads it where it is written", async () => {
  const root = rootWith({ "etc/keepalived/keepalived.conf": conf });
  const { stdout } = await functions('address_in "$ROOT/etc/keepalived/keepalived.conf"', [], root);
  assert.equal(stdout.trim(), "192.0.2.10");
});

test("S48 an address that is only held on the loopback interface is on no interface for who looks for its holder", async () => {
  const where = async (lines: string, held = true) => {
    const root = rootWith(held ? { "var/lib/homelab-k3s/held-address": "192.0.2.10\n" } : {});
    const body = `ip() { printf '%s' '${lines}'; }; interface_with 192.0.2.10; echo "$REPLY"`;
    return (await functions(body, [], root)).stdout.trim();
  };
  const forgotten = "1: lo    inet 192.0.2.10/32 scope global lo\n";
  assert.equal(await where(forgotten, false), "lo", "one that nobody handed over is a second holder");
  assert.equal(await where("1: lo    inet 192.0.2.10/32 scope global lo\n"), "");
  assert.equal(
    await where("1: lo    inet 192.0.2.10/32\n2: eno1    inet 192.0.2.10/32 scope global\n"),
    "eno1",
  );
});
