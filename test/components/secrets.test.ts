import assert from "node:assert/strict";
import { test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { serverInputs } from "../unit/example.ts";
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

test("a failing step is shown with its whole command: that is short, and names the node and the release", async () => {
  const { resources } = await build({ servers: serverInputs(5), snapshots: ["before"] });
  const commands = resources.custom.filter(({ type }) => type.endsWith(":Command"));
  assert.ok(commands.length > 15);
  for (const { name, inputs } of commands) {
    for (const which of ["create", "update"])
      assert.ok(String(inputs[which]).length <= 110, `${name}: ${inputs[which]}`);
    assert.ok(String(inputs.delete ?? "").length <= 240, `${name}: ${inputs.delete}`);
  }
  assert.equal(
    resources.named("server-2-k3s").inputs.update,
    "bash .homelab-k3s/node/k3s-node server --name server-2 --version v1.34.2+k3s1 -",
  );
});

test("what a step without secrets is given can be read in a preview", async () => {
  const { resources } = await build();
  assert.ok(!resources.named("cluster-verify").secretInputs.includes("stdin"));
  assert.match(
    String(resources.named("cluster-verify").inputs.stdin),
    /^--server server-1,server-2,server-3$/m,
  );
  assert.ok(resources.named("server-1-k3s").secretInputs.includes("stdin"));
});

test("the steps of nodes are told to who asks for them, and to nobody else", async () => {
  const { resources: quiet } = await build();
  assert.doesNotMatch(JSON.stringify(quiet.all), /--steps/);
  process.env.HOMELAB_K3S_STEPS = "1";
  try {
    const { resources: told } = await build({ protect: false });
    for (const { type, name, inputs } of told.all)
      if (type === "command:remote:Command") assert.match(String(inputs.stdin), /^--steps$/m, name);
  } finally {
    delete process.env.HOMELAB_K3S_STEPS;
  }
});

test("S37: token and kubeconfig are secret outputs, the rest is readable, and what only the next preview reads is one line", async () => {
  const { result: cluster } = await build();
  assert.ok(await pulumi.isSecret(cluster.kubeconfig));
  assert.ok(await pulumi.isSecret(cluster.applied));
  assert.equal((await resolved(cluster.applied)).version, "v1.34.2+k3s1");
  assert.deepEqual(cluster.servers[0], { name: "server-1", url: "https://192.0.2.11:6443" });
  assert.ok(!(await pulumi.isSecret(cluster.verified)));
  assert.deepEqual(await resolved(cluster.verified), {
    voters: ["server-1", "server-2", "server-3"],
    quorum: 2,
    versions: { "server-1": "v1.34.2+k3s1", "server-2": "v1.34.2+k3s1", "server-3": "v1.34.2+k3s1" },
  });
});
