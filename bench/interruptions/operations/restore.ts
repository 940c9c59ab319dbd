import { accessOf, api } from "../../../measure/kube.ts";
import type { Operation } from "../operation.ts";

const marks = "/api/v1/namespaces/default/configmaps";

/** Three servers go back to a snapshot; the first one, which takes its data, is interrupted. */
export const operation: Operation = {
  servers: 3,
  agents: 0,
  victim: "server-1",
  verb: "restore",
  living: ["server-1", "server-2", "server-3"],
  async begin(cluster) {
    await cluster.configure({ snapshots: ["early"] });
    await cluster.operate("up");
    const access = accessOf((await cluster.outputs()).kubeconfig as string);
    await api(access, "POST", marks, { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "later" } });
  },
  async change(cluster) {
    await cluster.configure({ more: { restore: { id: "r1", snapshot: "early" } } });
  },
};
