import * as pulumi from "@pulumi/pulumi";
import type { NodeFacts } from "../config/facts.ts";
import { checksumsFor } from "../config/releases.ts";
import { virtualAddress } from "../config/render.ts";
import type { ClusterConfig, MachineConfig } from "../config/schema.ts";
import { lookChange } from "./change.ts";
import type { Passed } from "./check-nodes.ts";
import type { Flag } from "./command-line.ts";
import { LocalStep } from "./local-step.ts";
import type { LookInput } from "./look.ts";
import { consentFlags } from "./server-flags.ts";

export interface PreflightArgs {
  readonly config: ClusterConfig;
  /** The machines that are not lost, with how ssh/ gets to each. Secret. */
  readonly machines: readonly { readonly machine: MachineConfig; readonly request: pulumi.Output<string> }[];
}

/** What all machines were found to be. */
export interface Preflight {
  /** The gate before anything is written to a machine. */
  readonly passed: pulumi.Resource;
  /** Facts of every machine. */
  readonly facts: pulumi.Output<readonly NodeFacts[]>;
  /** As `Passed` says. */
  readonly serverRuns: pulumi.Output<boolean>;
  readonly demoted: pulumi.Output<readonly string[]>;
}

/** Seconds for all machines: one that reboots is waited for, then all are looked at and measured at the same time. */
const deadline = 300;

/**
 * The gate between looking and changing: all machines were reached, inspected and, where one of them is new, measured;
 * no two of them are one machine, and none would be downgraded or made to skip a minor. One process and one login a
 * machine, before there is anything of this program on it. Everything that writes to a machine comes after `passed`,
 * directly or through the chain of servers; so the graph grows with the number of machines and not with its square.
 */
export function preflight(
  name: string,
  { config, machines }: PreflightArgs,
  opts: pulumi.CustomResourceOptions,
): Preflight {
  const stdin = pulumi.all(machines.map(({ request }) => request)).apply((requests) => {
    const { version, checksums, limits, k3s } = config;
    const input: LookInput = {
      version,
      checksums: checksumsFor(version, checksums),
      limits,
      vxlan: k3s.flannelBackend === "vxlan",
      vip: virtualAddress(config) ?? null,
      machines: machines.map(({ machine }, index) => ({
        request: requests[index]!,
        name: machine.name,
        role: machine.role,
        address: machine.address,
        inspect: inspectFlags(config, machine),
      })),
    };
    return JSON.stringify(input);
  });
  const change = lookChange(
    config,
    machines.map(({ machine }) => machine),
  );
  const args = { script: "components/local-preflight.ts", stdin, change, deadline, secret: true };
  const step = new LocalStep(name, args, opts);
  // names, versions and machine-ids; what it was told is secret
  const passed = pulumi.unsecret(step.stdout).apply((stdout) => JSON.parse(stdout) as Passed);
  return {
    passed: step,
    facts: passed.apply(({ facts }) => facts),
    serverRuns: passed.apply(({ serverRuns }) => serverRuns),
    demoted: passed.apply(({ demoted }) => demoted),
  };
}

/** What decides whether a machine can become what it shall. */
function inspectFlags({ version, restore }: ClusterConfig, machine: MachineConfig): Flag[] {
  return [
    ["name", machine.name],
    ["role", machine.role],
    ["address", machine.address],
    ...consentFlags(machine),
    ["version", version],
    ...(restore ? [["restore", restore.id] as const] : []),
  ];
}
