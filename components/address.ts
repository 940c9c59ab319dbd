import * as pulumi from "@pulumi/pulumi";
import type { MachineConfig } from "../config/schema.ts";
import { nodeCommand } from "./command-line.ts";
import { LocalStep } from "./local-step.ts";
import type { Machine } from "./Machine.ts";

export interface AddressCheckArgs {
  /** The endpoint's address, which moves between machines. */
  readonly address: string;
  /** All machines that are not lost, with the way to each. */
  readonly machines: readonly { readonly config: MachineConfig; readonly machine: Machine }[];
  /** The role of those between which it moves. */
  readonly carriers: MachineConfig["role"];
  readonly change: string;
}

/**
 * Seconds in which the address must have found its place: the longest lease of kube-vip's, 15, and more for machines
 * that are busy with what has just been started on them.
 */
const patience = 60;

/** Seconds for asking all machines again and again, and for one that reboots. */
const deadline = 300;

/**
 * Asks all machines, from the one where Pulumi runs, who has the endpoint's address: exactly one, and the API answers
 * there for all others. Runs beside the verification of the cluster and costs the run no time.
 */
export function addressCheck(
  name: string,
  { address, machines, carriers, change }: AddressCheckArgs,
  opts: pulumi.CustomResourceOptions,
): LocalStep {
  const asked = machines.map(({ config, machine }) => {
    const flags = [
      ["name", config.name],
      ["address", address],
    ] as const;
    const { user, scripts } = machine.access;
    const command = nodeCommand(user, "address", scripts, flags);
    return machine.request.apply((request) => ({ request, command, carrier: config.role === carriers }));
  });
  const stdin = pulumi.all(asked).apply((list) => JSON.stringify({ address, patience, machines: list }));
  const script = "components/address-check.ts";
  return new LocalStep(name, { script, stdin, change, deadline, secret: true }, opts);
}
