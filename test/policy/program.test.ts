import assert from "node:assert/strict";
import { test } from "node:test";
import { policies } from "../../policy/pack.ts";
import { build } from "../components/build.ts";
import type { Registered, Resources } from "../components/engine.ts";
import { agentInputs, serverInputs } from "../unit/example.ts";
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
      ignoreChanges: [...resource.ignoreChanges],
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

const lost = { lost: true };
const stacks: readonly (readonly [what: string, stack: Record<string, unknown>])[] = [
  ["itself", { agents: agentInputs(3), snapshots: ["one"] }],
  ["with a lost server", { servers: serverInputs(3).with(0, { ...serverInputs(1)[0], ...lost }) }],
  ["with a lost agent", { agents: [{ ...agentInputs(1)[0], ...lost }] }],
];
for (const [what, stack] of stacks) {
  test(`C3: the program ${what} keeps every policy`, async () => {
    const { resources } = await build(stack);
    const samples = resources.custom.map((resource) => sampleOf(resource, resources));
    assert.ok(samples.length > 15);
    for (const policy of policies) {
      const found =
        "validateStack" in policy
          ? await stackViolations(policy, samples)
          : (await Promise.all(samples.map((sample) => violations(policy, sample)))).flat();
      assert.deepEqual(found, [], policy.name);
    }
  });
}
