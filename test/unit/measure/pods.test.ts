import assert from "node:assert/strict";
import { test } from "node:test";
import { movablePods, podsMoved } from "../../../measure/pods.ts";

const pod = (kind: string | undefined, ready = "True", deletionTimestamp?: string) => ({
  metadata: {
    ...(kind && { ownerReferences: [{ kind, controller: true }] }),
    ...(deletionTimestamp && { deletionTimestamp }),
  },
  status: { conditions: [{ type: "Ready", status: ready }] },
});

test("only ready pods that something makes anew elsewhere count", () => {
  const pods = [
    pod("ReplicaSet"),
    pod("StatefulSet"),
    pod("ReplicaSet", "False"),
    pod("ReplicaSet", "True", "2030-01-01T00:00:00Z"),
    pod("DaemonSet"),
    pod("Node"),
    pod(undefined),
  ];
  assert.equal(movablePods(pods), 2);
});

test("pods are back when as many are ready as before the blow", () => {
  const counts = [4, 4, 4, 3, 1, 2, 4, 4].map((ready, index) => ({ at: index * 1000, ready }));
  assert.deepEqual(podsMoved(counts, 1500), { before: 4, lowest: 1, backMs: 4500 });
  assert.deepEqual(podsMoved(counts.slice(0, 6), 1500), { before: 4, lowest: 1, backMs: null });
  assert.deepEqual(podsMoved(counts.slice(0, 3), 1500), { before: 4, lowest: 4, backMs: 0 });
});
