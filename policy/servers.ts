import type { PolicyResource, StackValidationPolicy } from "@pulumi/policy";
import { parse } from "yaml";
import { isLost, isServer, mapping } from "./steps.ts";

export const serversOdd: StackValidationPolicy = {
  name: "servers-odd",
  description: "etcd has an odd number of voters.",
  enforcementLevel: "mandatory",
  validateStack: ({ resources }, report) => {
    const count = resources.filter(isServer).length;
    if (count > 0 && count % 2 === 0) {
      report(`${count} servers survive no more losses than ${count - 1}. Use 1, 3, 5 or 7.`);
    }
  },
};

/** Whether `later` waits for `earlier`, directly or through others. */
function waitsFor(later: PolicyResource, earlier: PolicyResource, seen = new Set<string>()): boolean {
  return later.dependencies.some((dependency) => {
    if (dependency.urn === earlier.urn) return true;
    if (seen.has(dependency.urn)) return false;
    seen.add(dependency.urn);
    return waitsFor(dependency, earlier, seen);
  });
}

export const serversInChain: StackValidationPolicy = {
  name: "servers-in-chain",
  description: "No two servers are worked on at the same time.",
  enforcementLevel: "mandatory",
  validateStack: ({ resources }, report) => {
    const servers = resources.filter(isServer);
    servers.forEach((one, index) => {
      for (const other of servers.slice(index + 1)) {
        if (!waitsFor(one, other) && !waitsFor(other, one)) {
          report(
            `${one.name} and ${other.name} do not wait for each other: both could be down at once.`,
            one.urn,
          );
        }
      }
    });
  },
};

interface Unprotected {
  readonly unprotectedStacks: readonly string[];
}

export const serversProtected: StackValidationPolicy = {
  name: "servers-protected",
  description:
    "Servers and the cluster's tokens are protected, except lost ones and in stacks that are made to be thrown away.",
  enforcementLevel: "mandatory",
  configSchema: {
    properties: {
      unprotectedStacks: { type: "array", items: { type: "string" }, default: ["lab"] },
    },
  },
  validateStack: ({ resources, getConfig }, report) => {
    const { unprotectedStacks } = getConfig<Unprotected>();
    for (const resource of resources) {
      const stack = resource.urn.split("::")[0]?.split(":").at(-1) ?? "";
      const holds = isServer(resource) || resource.type === "random:index/randomPassword:RandomPassword";
      if (!holds || resource.opts.protect || isLost(resource) || unprotectedStacks.includes(stack)) continue;
      report(
        `${resource.name} is not protected in stack ${stack}: one deleted line would delete it.`,
        resource.urn,
      );
    }
  },
};

/** Addresses that kube-vip announces, read from its pods' environment. */
function virtualAddresses(resources: readonly PolicyResource[]): string[] {
  return resources
    .filter(({ type }) => type === "kubernetes:apps/v1:DaemonSet")
    .flatMap(({ props }) => {
      const pod = mapping(mapping(mapping(props.spec).template).spec);
      return Array.isArray(pod.containers) ? pod.containers : [];
    })
    .filter((container) => String(mapping(container).image).includes("kube-vip"))
    .flatMap((container) => mapping(container).env ?? [])
    .map(mapping)
    .filter(({ name }) => name === "address")
    .map(({ value }) => String(value));
}

/** `tls-san` of the config.yaml that a server step gets on its standard input. */
function certificateNames(server: PolicyResource): unknown[] {
  const parts = String(server.props.stdin ?? "").split(/^---\n/m);
  const names = mapping(parse(parts.at(-1)!))["tls-san"];
  return Array.isArray(names) ? names : [];
}

export const endpointInCertificates: StackValidationPolicy = {
  name: "endpoint-in-certificates",
  description: "The virtual address is in the certificate of every server that may hold it.",
  enforcementLevel: "mandatory",
  validateStack: ({ resources }, report) => {
    for (const address of virtualAddresses(resources)) {
      for (const server of resources.filter((one) => isServer(one) && !isLost(one))) {
        if (server.props.stdin === undefined || certificateNames(server).includes(address)) continue;
        report(`${address} is not in tls-san of ${server.name}: clients would refuse it there.`, server.urn);
      }
    }
  },
};
