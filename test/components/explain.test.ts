import assert from "node:assert/strict";
import { mock, test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { appliedOf } from "../../config/applied.ts";
import { requireCluster } from "../../config/parse.ts";
import { exampleInput } from "../unit/example.ts";
import { build, resolved } from "./build.ts";
import type { RunOptions } from "./engine.ts";

const version = "v1.34.11+k3s1";
const earlier = JSON.parse(JSON.stringify(appliedOf(requireCluster(exampleInput())))) as object;

/** What a run says to the person in front of it. */
async function said(options: RunOptions): Promise<string> {
  const lines: string[] = [];
  const info = mock.method(pulumi.log, "info", (message: string) => {
    lines.push(message);
    return Promise.resolve();
  });
  await build({ version }, options);
  info.mock.restore();
  return lines.join("\n");
}

test("a preview says what a new version means for each server", async () => {
  const text = await said({ preview: true, outputs: { applied: earlier } });
  assert.match(
    text,
    /What this will do:\n {2}server-1: v1\.34\.2\+k3s1 -> v1\.34\.11\+k3s1, restart; 2 of 3/,
  );
  assert.equal(text.split("\n").length, 5);
});

test("a preview of a stack that never succeeded, or whose output is of another shape, says how it is founded", async () => {
  for (const outputs of [{}, { applied: { version: 3 } }]) {
    assert.match(await said({ preview: true, outputs }), /server-1: founds the cluster/);
  }
});

test("an `up` says nothing of it: its preview did", async () => {
  assert.equal(await said({ outputs: { applied: earlier } }), "");
});

/** The kubeconfig that the provider of Kubernetes gets. */
async function ofProvider(options: RunOptions): Promise<{ kubeconfig: string; known: boolean }> {
  const { resources } = await build({ version }, options);
  const { inputs, unknownInputs, secretInputs } = resources.all.find(
    ({ type }) => type === "pulumi:providers:kubernetes",
  )!;
  assert.ok(secretInputs.includes("kubeconfig") || unknownInputs.includes("kubeconfig"));
  return { kubeconfig: String(inputs.kubeconfig), known: !unknownInputs.includes("kubeconfig") };
}

test("a preview of a living cluster knows the provider of Kubernetes, as the stack has it, and a run asks the server", async () => {
  const { result } = await build();
  const kubeconfig = await resolved(result.kubeconfig);
  const previewed = await ofProvider({ preview: true, outputs: { kubeconfig } });
  // the same text, so that no preview shows a provider that changes
  assert.deepEqual(previewed, await ofProvider({ outputs: { kubeconfig: "an older one" } }));
  assert.match(previewed.kubeconfig, /server: https:\/\/192\.0\.2\.11:6443/);
  assert.ok(!(await ofProvider({ preview: true, outputs: {} })).known, "a first preview cannot know it");
});
