import * as pulumi from "@pulumi/pulumi";
import { living } from "../config/roster.ts";
import type { KeepalivedConfig, MachineConfig } from "../config/schema.ts";
import { endpointStep, keepalivedFile } from "./endpoint-step.ts";
import { untouched } from "./lost.ts";
import type { NodeAccess } from "./node-step.ts";
import { componentType } from "./types.ts";

export interface KeepalivedAddressArgs {
  readonly endpoint: KeepalivedConfig;
  /** All servers, lost ones too, and for each the step after which it can answer. */
  readonly servers: readonly {
    readonly machine: MachineConfig;
    readonly access: NodeAccess;
    readonly after: pulumi.Resource;
  }[];
}

/** A virtual address that moves between the servers by VRRP, to one whose own API answers. */
export class KeepalivedAddress extends pulumi.ComponentResource {
  readonly steps: readonly pulumi.Resource[];

  constructor(name: string, args: KeepalivedAddressArgs, opts?: pulumi.ComponentResourceOptions) {
    super(componentType("KeepalivedAddress"), name, {}, opts);
    const { endpoint, servers } = args;
    const carriers = living(servers.map(({ machine }) => machine));
    this.steps = servers.map(({ machine, access, after }) =>
      endpointStep(access, machine, keepalivedFile(machine, carriers, endpoint), {
        parent: this,
        dependsOn: after,
        ...(machine.lost && untouched),
      }),
    );
    this.registerOutputs({});
  }
}
