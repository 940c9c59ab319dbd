import { type Access, api } from "../measure/kube.ts";

/** Every object of a cluster: where it is in the API, and the UID that it got when it was made. */
export type Objects = ReadonlyMap<string, string>;

type ResourceList = { resources: { name: string; verbs: string[] }[] };
type GroupList = { groups: { preferredVersion: { groupVersion: string } }[] };
type ObjectList = { items: { metadata: { namespace?: string; name: string; uid?: string } }[] };

/** Objects that come and go by themselves. */
const fleeting = new Set(["events", "leases"]);
const listTimeoutMs = 15_000;

/** All objects of all kinds that the API can list, but for events and leases. */
export async function objectsOf(access: Access): Promise<Objects> {
  const { groups } = await api<GroupList>(access, "GET", "/apis");
  const paths = [
    "/api/v1",
    ...groups.map(({ preferredVersion }) => `/apis/${preferredVersion.groupVersion}`),
  ];
  const found = new Map<string, string>();
  for (const path of paths) {
    const { resources } = await api<ResourceList>(access, "GET", path);
    const listed = resources.filter(
      ({ name, verbs }) => verbs.includes("list") && !name.includes("/") && !fleeting.has(name),
    );
    for (const { name: resource } of listed) {
      const { items } = await api<ObjectList>(access, "GET", `${path}/${resource}`, undefined, listTimeoutMs);
      for (const { metadata } of items ?? []) {
        const place = [path, resource, metadata.namespace, metadata.name].filter(Boolean).join("/");
        if (metadata.uid) found.set(place, metadata.uid);
      }
    }
  }
  return found;
}

/** The objects of `before` that are not there any more, or that are others under the same name. Pure. */
export function lostObjects(before: Objects, after: Objects): string[] {
  return [...before].filter(([place, uid]) => after.get(place) !== uid).map(([place]) => place);
}
