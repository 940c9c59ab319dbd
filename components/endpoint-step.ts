import type * as pulumi from "@pulumi/pulumi";
import { type Carrier, keepalivedConfig } from "../config/keepalived.ts";
import type { HaproxyConfig, KeepalivedConfig, MachineConfig } from "../config/schema.ts";
import { type NodeAccess, NodeStep } from "./node-step.ts";

/** Configuration files by the service that reads them; a service that is not named does not run. */
export interface EndpointFiles {
  readonly haproxy?: string;
  readonly keepalived?: string;
}

/** Seconds for installing a package over a slow line, and for starting what is in it. */
const deadline = 600;

/** Seconds for stopping one service and putting one address somewhere else. */
const handoverDeadline = 60;

/** The file that makes one of several machines carry the endpoint's address. */
export function keepalivedFile(
  own: Carrier,
  carriers: readonly Carrier[],
  endpoint: KeepalivedConfig | HaproxyConfig,
): EndpointFiles {
  return { keepalived: keepalivedConfig(own, { ...endpoint, carriers }) };
}

/** Standard input of the verb `endpoint`. */
export function endpointInput(files: EndpointFiles): string {
  return Object.entries(files)
    .map(([service, content]) => `=== ${service}\n${content}`)
    .join("");
}

/**
 * Before kube-vip comes to a server: a keepalived that has the address there hands it over, so that somebody answers for
 * it all the time. Where none runs this does nothing.
 */
export function handoverStep(
  access: NodeAccess,
  { name }: MachineConfig,
  address: string,
  opts: pulumi.CustomResourceOptions,
): NodeStep {
  const flags = [
    ["name", name],
    ["address", address],
    ["deadline", handoverDeadline],
  ] as const;
  const remove = { verb: "handover-undo", flags };
  return new NodeStep(
    `${name}-handover`,
    access,
    { verb: "handover", flags, remove, deadline: handoverDeadline },
    opts,
  );
}

/** What of an endpoint runs on one machine. Its files hold no secret. */
export function endpointStep(
  access: NodeAccess,
  { name, address }: MachineConfig,
  files: EndpointFiles,
  opts: pulumi.CustomResourceOptions,
): NodeStep {
  return new NodeStep(
    `${name}-endpoint`,
    access,
    {
      verb: "endpoint",
      flags: [
        ["name", name],
        ["address", address],
        ["deadline", deadline],
      ],
      remove: {
        verb: "endpoint-remove",
        flags: [
          ["name", name],
          ["deadline", deadline],
        ],
      },
      stdin: endpointInput(files),
      deadline,
    },
    opts,
  );
}
