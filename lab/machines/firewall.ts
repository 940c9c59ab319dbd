import { command } from "./command.ts";

/**
 * A host with Docker or ufw drops what it does not know, bridged packets included where br_netfilter is loaded. These rules let
 * a lab's machines reach each other and the host, and nothing beyond: they name the lab's bridge on every side.
 */
const rulesOf = (bridge: string): string[][] => [
  ["INPUT", "--in-interface", bridge, "--jump", "ACCEPT"],
  ["FORWARD", "--in-interface", bridge, "--out-interface", bridge, "--jump", "ACCEPT"],
];

/** Whether the output of `iptables --list-rules` says more than "everything is let through". */
export function filters(rules: string): boolean {
  return rules.split("\n").some((line) => /^-P (INPUT|FORWARD) (?!ACCEPT)|^-A (INPUT|FORWARD) /.test(line));
}

/** Adds the lab's rules where the host filters at all; a host without iptables, or with nothing in it, stays as it is. */
export async function openFirewall(bridge: string): Promise<void> {
  const rules = await iptables(["--list-rules"]);
  if (rules.code !== 0 || !filters(rules.stdout)) return;
  for (const rule of rulesOf(bridge)) {
    const there = await iptables(["--check", ...rule]);
    if (there.code !== 0) await command("iptables", ["--wait", "--insert", ...rule]);
  }
}

/** Takes the lab's rules out again, those that are there. */
export async function closeFirewall(bridge: string): Promise<void> {
  for (const rule of rulesOf(bridge)) {
    while ((await iptables(["--delete", ...rule])).code === 0);
  }
}

/** Code -1 when the host has no iptables. */
async function iptables(args: string[]): Promise<{ code: number; stdout: string }> {
  return await command("iptables", ["--wait", ...args], { allowFailure: true }).catch(() => ({
    code: -1,
    stdout: "",
  }));
}
