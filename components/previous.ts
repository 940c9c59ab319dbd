import * as pulumi from "@pulumi/pulumi";
import { withServer } from "./kubeconfig.ts";

/** What the stack put out when it last succeeded. Only a preview reads it: a run asks the nodes themselves. */
export function previousOutputs(): pulumi.StackReference | undefined {
  if (!pulumi.runtime.isDryRun()) return undefined;
  const stack = [pulumi.getOrganization(), pulumi.getProject(), pulumi.getStack()].join("/");
  return new pulumi.StackReference(stack);
}

/**
 * A kubeconfig for the provider that talks to a server. Secret. In a preview of a cluster that lives it is the one that the
 * stack has: the step that reads it may be about to run once more, such as after an upgrade of this program, and then
 * Pulumi would know neither the provider nor what changes behind it.
 * @param current what the server gives, with its own URL
 */
export function providerKubeconfig(
  current: pulumi.Output<string>,
  previous: pulumi.StackReference | undefined,
  url: string,
): pulumi.Output<string> {
  if (!previous) return current;
  const known = previous.getOutput("kubeconfig").apply((yaml) => withServer(String(yaml), url) ?? current);
  return pulumi.secret(known);
}
