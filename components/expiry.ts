import * as pulumi from "@pulumi/pulumi";
import type { K3sServerNode } from "./K3sServerNode.ts";

/** Days before the end of a certificate from which a preview speaks of it. */
export const warnDays = 30;

const day = 24 * 60 * 60 * 1000;

/**
 * What to say of certificates that end soon. The end stands in the certificate itself, so only this machine's clock
 * counts, whatever the servers' clocks say. Pure.
 * @param expires when the first of each server's certificates ends, ISO 8601, by server
 */
export function expiryWarnings(expires: Readonly<Record<string, string>>, now: Date): string[] {
  return Object.entries(expires).flatMap(([server, end]) => {
    const days = Math.floor((Date.parse(end) - now.getTime()) / day);
    if (days >= warnDays) return [];
    const when = days < 0 ? `ended on ${end}` : `end on ${end}, in ${days === 1 ? "a day" : `${days} days`}`;
    return [
      `${server}: its certificates ${when}, as far as the last run that changed it knows. Raise rotate.certificates by one: \`pulumi up\` then gives every node new ones, one node after another.`,
    ];
  });
}

/**
 * The same by server that lives, with warnings about those that end soon; in a preview already, since what a server said last is
 * known then.
 */
export function certificateExpiry(
  living: readonly { readonly name: string }[],
  servers: readonly K3sServerNode[],
  resource: pulumi.Resource,
): pulumi.Output<Record<string, string>> {
  const named = servers
    .filter(({ name }) => living.some((node) => node.name === name))
    .map(({ name, expires }) => expires.apply((end) => [name, end] as const));
  return pulumi.all(named).apply((entries) => {
    const expires = Object.fromEntries(entries);
    for (const text of expiryWarnings(expires, new Date())) pulumi.log.warn(text, resource);
    return expires;
  });
}
