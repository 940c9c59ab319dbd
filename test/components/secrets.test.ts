import assert from "node:assert/strict";
import { test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { canary } from "./answers.ts";
import { build, resolved } from "./build.ts";

test("S37: no secret stands in a command, in a component's arguments or in a plain input", async () => {
  const { resources } = await build({ snapshots: ["before"] });
  for (const resource of resources.all) {
    for (const [key, value] of Object.entries(resource.inputs)) {
      if (!JSON.stringify(value)?.includes(canary)) continue;
      assert.ok(resource.secretInputs.includes(key), `${resource.name}: ${key} is marked secret`);
      assert.ok(
        ["stdin", "connection", "kubeconfig"].includes(key),
        `${resource.name}: ${key} carries a secret`,
      );
    }
    if (resource.type === "command:remote:Command") {
      assert.deepEqual(resource.secretOutputs.toSorted(), ["connection", "stderr", "stdout"]);
      assert.equal(resource.inputs.logging, "stderr");
      assert.equal(resource.inputs.addPreviousOutputInEnv, false);
      assert.equal(resource.inputs.triggers, undefined);
      assert.equal(typeof resource.inputs.update, "string");
    }
  }
});

test("S37: token and kubeconfig are secret outputs, the rest is readable", async () => {
  const { result: cluster } = await build();
  assert.ok(await pulumi.isSecret(cluster.kubeconfig));
  assert.deepEqual(cluster.servers[0], { name: "server-1", url: "https://192.0.2.11:6443" });
  assert.ok(!(await pulumi.isSecret(cluster.verified)));
  assert.deepEqual(await resolved(cluster.verified), {
    voters: ["server-1", "server-2", "server-3"],
    quorum: 2,
    versions: { "server-1": "v1.34.2+k3s1", "server-2": "v1.34.2+k3s1", "server-3": "v1.34.2+k3s1" },
  });
});
