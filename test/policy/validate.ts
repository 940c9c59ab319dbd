import type { PolicyResource, ResourceValidationPolicy, StackValidationPolicy } from "@pulumi/policy";

type Props = Record<string, unknown>;

/** A resource as a policy sees it; `opts` and `dependencies` default to nothing. */
export interface Sample {
  readonly type: string;
  readonly name?: string;
  readonly props: Props;
  readonly opts?: Partial<PolicyResource["opts"]>;
  /** Names of the samples it depends on. */
  readonly after?: readonly string[];
}

const noOptions = {
  protect: false,
  ignoreChanges: [],
  aliases: [],
  additionalSecretOutputs: [],
  customTimeouts: { createSeconds: 0, updateSeconds: 0, deleteSeconds: 0 },
};

const urnOf = (stack: string, { type, name = "it" }: Sample) =>
  `urn:pulumi:${stack}::homelab-k3s::${type}::${name}`;

/** What a resource policy reports on one resource. */
export async function violations(policy: ResourceValidationPolicy, sample: Sample): Promise<string[]> {
  const found: string[] = [];
  const args = {
    ...sample,
    name: sample.name ?? "it",
    urn: urnOf("homelab", sample),
    opts: { ...noOptions, ...sample.opts },
    getConfig: () => ({}),
  };
  for (const validate of [policy.validateResource ?? []].flat()) {
    await validate(args as never, (message) => found.push(message));
  }
  return found;
}

/** What a stack policy reports on a set of resources. */
export async function stackViolations(
  policy: StackValidationPolicy,
  samples: readonly Sample[],
  stack = "homelab",
): Promise<string[]> {
  const resources = samples.map((sample) => ({
    ...sample,
    name: sample.name ?? "it",
    urn: urnOf(stack, sample),
    opts: { ...noOptions, ...sample.opts },
    dependencies: [] as unknown[],
  }));
  for (const resource of resources) {
    resource.dependencies = resources.filter(({ name }) => resource.after?.includes(name));
  }
  const defaults = Object.entries(policy.configSchema?.properties ?? {}).map(([key, { default: value }]) => [
    key,
    value,
  ]);
  const found: string[] = [];
  const args = { resources, getConfig: () => Object.fromEntries(defaults) };
  await policy.validateStack(args as never, (message) => found.push(message));
  return found;
}
