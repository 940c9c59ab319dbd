import { type Access, api } from "../measure/kube.ts";
import type { Cluster } from "./cluster.ts";

/** A snapshot is one line of configuration; the report of the node that made it comes back as an output. */
export async function takeSnapshot(cluster: Cluster, signal: AbortSignal): Promise<string> {
  const name = `proof-${new Date().toISOString().slice(0, 19).replace(/[-:T]/g, "")}`;
  await cluster.configure({ snapshots: [name] });
  await cluster.operate("up", () => {}, signal);
  const report = (await cluster.outputs()).snapshots as Record<string, string>;
  const { node, bytes, sha256 } = JSON.parse(report[name] ?? "{}") as Record<string, unknown>;
  if (!sha256) throw new Error(`found no report of ${name}`);
  return `${name}: ${(Number(bytes) / 1e6).toFixed(1)} MB on ${node}, sha256 ${String(sha256).slice(0, 12)}…`;
}

const marks = "/api/v1/namespaces/default/configmaps";

/** Data whose survival is checked: written through the endpoint. */
export async function writeMark(access: Access, when: string): Promise<void> {
  const name = `proof-${when}`;
  await api(access, "DELETE", `${marks}/${name}`).catch(() => {});
  await api(access, "POST", marks, { apiVersion: "v1", kind: "ConfigMap", metadata: { name } });
}

export async function marksAreThere(access: Access): Promise<void> {
  for (const when of ["before", "during"]) await api(access, "GET", `${marks}/proof-${when}`);
}
