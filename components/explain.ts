import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { type Applied, appliedOf, refusalOf } from "../config/applied.ts";
import { plan } from "../config/plan.ts";
import type { ClusterConfig } from "../config/schema.ts";

const counter = z.int().default(0);

const applied = z.object({
  version: z.string(),
  rotate: z
    .object({ serverToken: counter, agentToken: counter, certificates: counter, encryptionKeys: counter })
    .prefault({}),
  nodes: z.record(
    z.string(),
    z.object({
      role: z.enum(["server", "agent"]),
      lost: z.boolean(),
      partTime: z.boolean().optional(),
      flags: z.record(z.string(), z.unknown()),
    }),
  ),
  restore: z.object({ id: z.string(), snapshot: z.string() }).optional(),
});

/** What the stack's last success left as its output; undefined when there is none, or it is of another shape. */
function readApplied(value: unknown): Applied | undefined {
  const parsed = applied.safeParse(value);
  return parsed.success ? parsed.data : undefined;
}

/**
 * In a preview, says for each node what the changed configuration will do to it, and which quorum remains. It reads
 * the stack's own outputs and touches no node, so it tells what Pulumi knows, not what was changed behind its back.
 */
export function explainChanges(
  config: ClusterConfig,
  previous: pulumi.StackReference | undefined,
  resource: pulumi.Resource,
): void {
  previous?.getOutput("applied").apply((output) => {
    const [before, now] = [readApplied(output), appliedOf(config)];
    const refusal = refusalOf(before, now);
    if (refusal) throw new pulumi.RunError(refusal);
    const lines = plan(before, now);
    if (lines.length > 0) void pulumi.log.info(["What this will do:", ...lines].join("\n  "), resource);
  });
}
