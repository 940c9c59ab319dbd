import type { ResourceValidationPolicy } from "@pulumi/policy";
import { mapping } from "./steps.ts";

/** The pod of a workload, or an empty mapping for what has none. */
function podOf(type: string, props: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  if (!type.startsWith("kubernetes:")) return {};
  const spec = mapping(props.spec);
  if (type === "kubernetes:core/v1:Pod") return spec;
  const job = mapping(mapping(spec.jobTemplate).spec);
  return mapping(mapping((job.template ?? spec.template) as unknown).spec);
}

function containersOf(type: string, props: Readonly<Record<string, unknown>>) {
  const pod = podOf(type, props);
  return [pod.initContainers, pod.containers].flatMap((list) =>
    Array.isArray(list) ? list.map(mapping) : [],
  );
}

export const imagesByDigest: ResourceValidationPolicy = {
  name: "images-by-digest",
  description: "Containers are pinned by digest.",
  enforcementLevel: "mandatory",
  validateResource: ({ type, props }, report) => {
    for (const { name, image } of containersOf(type, props)) {
      if (!/@sha256:[0-9a-f]{64}$/.test(String(image))) {
        report(`container ${name}: ${image} has no digest; a tag can move.`);
      }
    }
  },
};

/** kube-vip announces an address by ARP and needs nothing else of the kernel. */
const allowedCapabilities = ["NET_ADMIN", "NET_RAW"];

export const noPrivilegedPods: ResourceValidationPolicy = {
  name: "no-privileged-pods",
  description: "No container is privileged or has more than the capabilities that ARP needs.",
  enforcementLevel: "mandatory",
  validateResource: ({ type, props }, report) => {
    const pod = podOf(type, props);
    for (const field of ["hostPID", "hostIPC"]) {
      if (pod[field] === true) report(`${field} shares the host's processes. Remove it.`);
    }
    for (const container of containersOf(type, props)) {
      const context = mapping(container.securityContext);
      if (context.privileged === true || context.allowPrivilegeEscalation !== false) {
        report(`container ${container.name} may become privileged. Set allowPrivilegeEscalation to false.`);
      }
      const added = mapping(context.capabilities).add;
      const extra = (Array.isArray(added) ? added : []).filter((name) => !allowedCapabilities.includes(name));
      if (extra.length > 0) report(`container ${container.name} gets ${extra.join(", ")}. Remove them.`);
    }
  },
};
