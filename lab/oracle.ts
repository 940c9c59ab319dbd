import type { Access } from "../measure/kube.ts";
import { apiPatiently } from "../measure/patient.ts";

/** Objects by kind, namespace and name, with the UID that tells one from another of the same name. */
export type Objects = ReadonlyMap<string, string>;

/** Kinds that stay what they are while nobody works on them; events, leases and endpoints move by themselves. */
const kinds: Readonly<Record<string, string>> = {
  Namespace: "/api/v1/namespaces",
  ConfigMap: "/api/v1/configmaps",
  Secret: "/api/v1/secrets",
  ServiceAccount: "/api/v1/serviceaccounts",
  Service: "/api/v1/services",
  DaemonSet: "/apis/apps/v1/daemonsets",
  Deployment: "/apis/apps/v1/deployments",
  ClusterRoleBinding: "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
};

/** Secrets that belong to a machine, and are made anew with it. */
const ofMachines = /^Secret kube-system\/.*\.node-password\.k3s$/;

type List = {
  items: { metadata: { name: string; namespace?: string; uid: string; creationTimestamp: string } }[];
};

/**
 * The lasting objects of a cluster.
 * @param until Only those that were made up to this moment. Default: all.
 */
export async function objectsOf(access: Access, until = new Date(8.64e15)): Promise<Objects> {
  const lists = await Promise.all(
    Object.entries(kinds).map(async ([kind, path]) => {
      const { items } = await apiPatiently<List>(access, "GET", path);
      const made = items.filter(({ metadata }) => new Date(metadata.creationTimestamp) <= until);
      return made.map(({ metadata: { name, namespace, uid } }) => {
        const place = namespace === undefined ? name : `${namespace}/${name}`;
        return [`${kind} ${place}`, uid] as const;
      });
    }),
  );
  return new Map(lists.flat().filter(([key]) => !ofMachines.test(key)));
}

/** What a restore brought back, measured against what was there at its snapshot. */
export type Comparison = {
  /** There at the snapshot, and there now: the same objects. */
  back: string[];
  /** There at the snapshot, and now gone or another object under the same name. */
  missing: string[];
  /** Made after the snapshot, and gone now as it must be. */
  gone: string[];
  /** Made after the snapshot, and still there. */
  left: string[];
};

/**
 * Pure. What the cluster itself made since it was restored concerns neither side.
 * @param later What was there when the restore began.
 */
export function compare(snapshot: Objects, later: Objects, now: Objects): Comparison {
  const known = [...snapshot.keys()];
  const added = [...later].filter(([key, uid]) => snapshot.get(key) !== uid);
  const same = (key: string) => now.get(key) === snapshot.get(key);
  return {
    back: known.filter(same),
    missing: known.filter((key) => !same(key)),
    gone: added.filter(([key, uid]) => now.get(key) !== uid).map(([key]) => key),
    left: added.filter(([key, uid]) => now.get(key) === uid).map(([key]) => key),
  };
}
