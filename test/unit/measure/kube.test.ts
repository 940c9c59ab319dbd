import assert from "node:assert/strict";
import { test } from "node:test";
import { nodeView } from "../../../measure/kube.ts";

test("a Node without a lease is silent since it registered: its kubelet makes the first one 10 s later", () => {
  const at = (second: number) => new Date(second * 1000).toISOString();
  const node = { metadata: { name: "a", creationTimestamp: at(1000) } };
  assert.equal(nodeView(node, undefined, 1_003_000).silentMs, 3000);
  assert.equal(nodeView(node, at(1995), 2_000_000).silentMs, 5000);
});
