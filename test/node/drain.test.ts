import assert from "node:assert/strict";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { emptyRoot, functions, replies } from "./shell.ts";

test("only a change of the minor moves pods", async () => {
  assert.deepEqual(await replies("minor_of", [["v1.34.2+k3s1"], ["v1.9.11+k3s2"]]), ["1.34", "1.9"]);
});

test("pods of DaemonSets, mirror pods and finished ones stay; unmanaged ones are left, and said to be", async () => {
  const pods = [
    "shop web-1 u1 Running ReplicaSet no no",
    "shop db-0 u2 Running StatefulSet no yes",
    "kube-system vip u3 Running DaemonSet no no",
    "kube-system static u4 Running Node yes no",
    "shop job-x u5 Succeeded Job no no",
    "shop job-y u6 Failed Job no no",
    "default bare u7 Running - no no",
    "default gone u8 Running - no yes",
    "shop new u9 Pending ReplicaSet no no",
  ];
  const { stdout } = await functions(
    `sort_pods "$@"; printf '%s\\n' "\${TO_EVICT[@]}" "left: \${UNMANAGED[*]}"`,
    pods,
  );
  assert.deepEqual(stdout.trim().split("\n"), [
    "shop/web-1 u1 no",
    "shop/db-0 u2 yes",
    "default/gone u8 yes",
    "shop/new u9 no",
    "left: default/bare",
  ]);
});

const refusal = (cause: string) =>
  JSON.stringify({
    kind: "Status",
    message: "Cannot evict pod as it would violate the pod's disruption budget.",
    details: { causes: [{ reason: "DisruptionBudget", message: cause }] },
    code: 429,
  });

test("S32 the budget that holds a pod is named as the API names it, and hostile text does nothing", async () => {
  const budget = "The disruption budget web needs 2 healthy pods and has 2 currently";
  assert.deepEqual(
    await replies("refusal_in", [
      [refusal(budget)],
      [refusal("another reason")],
      ['{ "message": "pods \\"x\\" is forbidden" }'],
      [`{"message":"\u001b[31m$(touch /tmp/x)"}`],
      ["no JSON"],
    ]),
    [
      "the PodDisruptionBudget web needs 2 healthy pods and has 2 currently",
      "Cannot evict pod as it would violate the pod's disruption budget.",
      'pods "x" is forbidden',
      "?[31m$(touch /tmp/x)",
      "",
    ],
  );
});

/**
 * The drain of a node with two pods, one of which a budget holds. The Node's state is kept in a file: whether it is
 * cordoned and by whom, as the API would keep it.
 */
const held = refusal("The disruption budget shop-web needs 1 healthy pods and has 1 currently");
const world = (body: string) => `
  answer=$1; node=$K3S_NODE_ROOT/node; [[ -e $node ]] || echo "no -" >"$node"
  look_at_self() { read -r CORDONED CORDONED_BY_US <"$node"; KUBELET_VERSION=v1.33.6+k3s1 SELF_READY=True; }
  patch_self() { if [[ $1 == *true* ]]; then echo "yes 2026" >"$node"; else echo "no -" >"$node"; fi; }
  look_at_pods() { PODS=("shop held u1 Running ReplicaSet no no"); [[ -e $node.evicted ]] || PODS+=("shop free u2 Running ReplicaSet no no"); }
  api() {
    if [[ $1 == GET ]]; then
      local since; read -r _ since <"$node"; [[ $since != - ]] && since='"homelab-k3s/cordoned": "2026"'
      API_STATUS=200 REPLY='{"metadata": {"annotations": {'$since'}}, "f:homelab-k3s/cordoned": {}}'; return 0
    fi
    if [[ $2 == */pods/free/* ]]; then : >"$node.evicted"; API_STATUS=201; return 0; fi
    API_STATUS=429 REPLY=$answer; return 1
  }
  will_change() { :; }; restore_service() { :; }
  ARG[name]=kai ARG[version]=v1.34.2+k3s1 ARG[drain-deadline]=4
  WAS_ACTIVE=yes; FRESH=no; UNIT=k3s.service
  begin_verb server; begin_new
  ${body}; end=$?; cat "$node"; exit $end`;
const drain = (root: string, body = "step drain drain_before server") => functions(world(body), [held], root);
const state = (root: string) =>
  functions(`cat "$K3S_NODE_ROOT/node"`, [], root).then((ended) => ended.stdout);

test("S32 a drain that is blocked ends at its deadline, names pod and budget, and uncordons the node", async () => {
  const root = emptyRoot();
  const { code, stderr } = await drain(root);
  assert.equal(code, 1);
  assert.match(
    stderr,
    /not drained within 4 s: shop\/held: the PodDisruptionBudget shop-web needs 1 healthy pods and has 1/,
  );
  assert.doesNotMatch(stderr, /shop\/free/);
  assert.match(stderr, /undone: the node is uncordoned again/);
  assert.equal(await state(root), "no -\n");
});

test("a node that somebody else cordoned stays cordoned, whatever becomes of the drain", async () => {
  const root = emptyRoot();
  await drain(root, `echo "yes -" >"$node"; step drain drain_before server`);
  assert.equal(await state(root), "yes -\n");
  const after = await drain(root, `look_at_pods() { PODS=(); }; drain_before server; uncordon_or_die`);
  assert.equal(after.code, 0, after.stderr);
  assert.equal(after.stdout, "yes -\n");
});

test("a drain that was killed is undone by the next run that fails, and ended by the next that succeeds", async () => {
  for (const then of ["die no luck", "uncordon_or_die"]) {
    const root = emptyRoot();
    await drain(root, "look_at_pods() { kill -9 $$; }; drain_before server");
    assert.match(await state(root), /^yes 2026/, "cordoned");
    await drain(root, then);
    assert.equal(await state(root), "no -\n", then);
    assert.ok(!existsSync(join(root, "var/lib/homelab-k3s/cordoned")));
  }
});

test("a node that changed its role is uncordoned: the Node tells who did it, the note went with the data", async () => {
  const root = emptyRoot();
  const { code, stdout, stderr } = await drain(
    root,
    `look_at_pods() { PODS=(); }; drain_self; wipe_data; [[ ! -e $CORDONED_HERE ]] || echo kept; uncordon_or_die`,
  );
  assert.equal(code, 0, stderr);
  assert.equal(stdout, "no -\n");
  assert.match(stderr, /uncordoned: pods may come again/);
});

test("a Node that is not there is not waited for; an API that does not answer is, and is named", async () => {
  const gone = await drain(
    emptyRoot(),
    "api() { API_STATUS=404 REPLY='not found'; return 1; }; uncordon_or_die",
  );
  assert.equal(gone.code, 0, gone.stderr);
  const silent = await drain(
    emptyRoot(),
    'patiently_for() { shift; "$@"; }; api() { API_STATUS=000 REPLY=""; return 1; }; uncordon_or_die',
  );
  assert.equal(silent.code, 1);
  assert.match(silent.stderr, /pods may come again could not be seen to: the API does not answer .*HTTP 000/);
});

test("a node whose minor stays is neither cordoned nor drained", async () => {
  const root = emptyRoot();
  mkdirSync(join(root, "var"));
  const { code, stdout } = await drain(root, "ARG[version]=v1.33.9+k3s1; drain_before server");
  assert.equal(code, 0);
  assert.equal(stdout, "no -\n");
});
