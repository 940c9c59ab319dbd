import assert from "node:assert/strict";
import { test } from "node:test";
import { functions, replies } from "./shell.ts";

/** What `decide_marks` does about a Node that has `has`, where the stack gives `labels` and `taints`. */
async function marks(has: string[], labels: string[], taints: string[]) {
  const body = `mapfile -t HAS <<<"$1"; mapfile -t LABELS < <(grep . <<<"$2"); mapfile -t TAINTS < <(grep . <<<"$3")
    decide_marks; printf '%s\\n' "\${SET_LABELS[*]}" "\${SET_TAINTS[*]}" "$NOW_MANAGED"`;
  const { stdout } = await functions(body, [has.join("\n"), labels.join("\n"), taints.join("\n")]);
  return stdout.split("\n").slice(0, 3);
}

test("M2 labels and taints are set where they differ, and only what the stack gave is taken away", async () => {
  const has = [
    "node",
    "label kubernetes.io/hostname=a",
    "label rack=old",
    "label mine=kept",
    "label gone=1",
    "taint gpu=true:NoSchedule",
    "taint node.kubernetes.io/not-ready=:NoExecute",
    "managed label:gone,label:never,label:rack,taint:gpu:NoSchedule",
  ];
  assert.deepEqual(await marks(has, ["rack=new"], []), ["rack=new gone-", "gpu:NoSchedule-", "label:rack"]);
  assert.deepEqual(await marks(has, ["rack=old", "gone=1"], ["gpu=true:NoSchedule"]), [
    "",
    "",
    "label:gone,label:rack,taint:gpu:NoSchedule",
  ]);
  assert.deepEqual(await marks(["node"], [], ["node-role.kubernetes.io/control-plane:NoSchedule"]), [
    "",
    "node-role.kubernetes.io/control-plane=:NoSchedule",
    "taint:node-role.kubernetes.io/control-plane:NoSchedule",
  ]);
});

test("a taint is known by its key and effect", async () => {
  const rows = [
    ["gpu=true:NoSchedule", "gpu:NoSchedule"],
    ["a.b/c:NoExecute", "a.b/c:NoExecute"],
  ] as const;
  assert.deepEqual(
    await replies(
      "taint_id",
      rows.map(([taint]) => [taint]),
    ),
    rows.map(([, id]) => id),
  );
});

test("S34 the packet filter keeps what is not k3s', and loses flannel's rules without a name of their own", async () => {
  const kept = [
    "*nat",
    ":POSTROUTING ACCEPT [0:0]",
    "-A POSTROUTING -s 192.168.0.0/24 -j MASQUERADE",
    "-A ufw-user-input -s 10.42.0.0/16 -j ACCEPT",
    "COMMIT",
  ];
  const gone = [
    ":KUBE-SERVICES - [0:0]",
    "-A POSTROUTING -s 10.42.0.0/16 -d 10.42.0.0/16 -j RETURN",
    "-A POSTROUTING -s 10.42.0.0/16 ! -d 224.0.0.0/4 -j MASQUERADE",
    "-A POSTROUTING ! -s 10.42.0.0/16 -d 10.42.1.0/24 -j RETURN",
    "-A POSTROUTING ! -s 10.42.0.0/16 -d 10.42.0.0/16 -j MASQUERADE",
    "-A FORWARD -s 10.42.0.0/16 -j ACCEPT",
    "-A FORWARD -d 10.42.0.0/16 -j ACCEPT",
  ];
  const all = [...kept.slice(0, 2), ...gone, ...kept.slice(2)].join("\n");
  const { stdout } = await functions('foreign_rules 10.42.0.0/16 <<<"$1"', [all]);
  assert.deepEqual(stdout.trim().split("\n"), kept);
});

test("S25 the members of a lost machine are those of its name or address, also one that never started", async () => {
  const members = [
    "1 a-12345678 0 10.0.0.1",
    "2 b-12345678 0 10.0.0.2",
    "3 - 1 10.0.0.1",
    "4 aa-12345678 0 10.0.0.4",
  ];
  const body = `members_of a 10.0.0.1 "$@"; printf '%s\\n' "\${STALE[@]}"`;
  assert.deepEqual((await functions(body, members)).stdout.trim().split("\n"), [members[0], members[2]]);
});

test("S35 a Node and its password are told from one answer; no answer is a failure", async () => {
  const body = `
    look() { node_facts https://192.0.2.11:6443 Agent-1 && echo "$NODE_ID $NODE_READY $NODE_ADDRESS $NODE_PASSWORD_KEPT" || echo failed; }
    kube() { printf '%s\\n' "$ANSWER"; [[ $ANSWER != down ]]; }
    for ANSWER in "" "Secret||||" "Node||0a1b|True|192.0.2.21" $'Node||0a1b|False|192.0.2.21\\nSecret||||' \\
      "Node|||Unknown|" "Node|2031-01-01T00:00:00Z|0a1b|True|192.0.2.21" down; do look; done
    kube() { echo "$*" >asked; }
    look; cat asked`;
  const { stdout } = await functions(body);
  const lines = stdout.split("\n");
  assert.deepEqual(lines.slice(0, 8), [
    " no  no",
    " no  yes",
    "0a1b yes 192.0.2.21 no",
    "0a1b no 192.0.2.21 yes",
    "never-reported no  no",
    "deleting no 192.0.2.21 no",
    "failed",
    " no  no",
  ]);
  // k3s keeps the secret under the name in lower case
  assert.match(lines[8]!, /get node\/Agent-1 secret\/agent-1\.node-password\.k3s --ignore-not-found/);
});

test("S35 a name is unheard of only when the API says so for both the Node and the password", async () => {
  const body = `
    api() { API_STATUS=\${ANSWERS%% *} ANSWERS=\${ANSWERS#* }; [[ $API_STATUS == 2?? ]]; }
    for ANSWERS in "404 404" "200 404" "404 200" "000 404" "404 500"; do
      unheard_of agent-1 && echo unheard || echo heard
    done`;
  const { stdout } = await functions(body);
  assert.deepEqual(stdout.split("\n").slice(0, -1), ["unheard", "heard", "heard", "heard", "heard"]);
});
