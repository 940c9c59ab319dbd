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
