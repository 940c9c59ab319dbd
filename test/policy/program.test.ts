import assert from "node:assert/strict";
import { test } from "node:test";
import { policies } from "../../policy/pack.ts";
import { build } from "../components/build.ts";
import type { Registered, Resources } from "../components/engine.ts";
import { agentInputs } from "../unit/example.ts";
import { type Sample, stackViolations, violations } from "./validate.ts";

const seconds = (text: string) => Number.parseInt(text, 10) || 0;

/** A registered resource as a policy sees it. */
function sampleOf(resource: Registered, resources: Resources): Sample {
  const names = new Map(resources.all.map(({ urn, name }) => [urn, name]));
  return {
    type: resource.type,
    name: resource.name,
    props: { ...resource.inputs },
    opts: {
      protect: resource.protect,
      deleteBeforeReplace: resource.deleteBeforeReplace,
      additionalSecretOutputs: [...resource.secretOutputs],
      customTimeouts: {
        createSeconds: seconds(resource.timeouts.create),
        updateSeconds: seconds(resource.timeouts.update),
        deleteSeconds: seconds(resource.timeouts.delete),
      },
    },
    after: resource.dependencies.map((urn) => names.get(urn) ?? ""),
  };
}

test("C3: the program itself keeps every policy", async () => {
  const { resources } = await build({ agents: agentInputs(3), snapshots: ["one"] });
  const samples = resources.custom.map((resource) => sampleOf(resource, resources));
  assert.ok(samples.length > 20);
  for (const policy of policies) {
    const found =
      "validateStack" in policy
        ? await stackViolations(policy, samples)
        : (await Promise.all(samples.map((sample) => violations(policy, sample)))).flat();
    assert.deepEqual(found, [], policy.name);
  }
});
