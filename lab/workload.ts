import { type Access, api } from "../measure/kube.ts";
import { apiPatiently } from "../measure/patient.ts";
import { waitFor } from "../measure/wait.ts";

/** Everything that the proof runs in pods. */
export const namespace = "lab-proof";
/** One on every node, and a Service before them. */
export const everywhere = "everywhere";
/** As many as there are nodes, on whichever: what moves when a node is lost. */
export const movable = "movable";
const port = 8080;

/** A web server that tells on which node it runs. */
function template(name: string, image: string, more: object) {
  const serve = `mkdir -p /tmp/www && echo "$NODE" >/tmp/www/index.html && exec httpd -f -p ${port} -h /tmp/www`;
  const container = {
    name: "web",
    image,
    imagePullPolicy: "IfNotPresent",
    command: ["sh", "-c", serve],
    env: [{ name: "NODE", valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } } }],
    readinessProbe: { httpGet: { path: "/", port }, periodSeconds: 1 },
  };
  const spec = { containers: [container], terminationGracePeriodSeconds: 1, ...more };
  return { metadata: { labels: { app: name } }, spec };
}

/** What is made in the namespace: path of its kind to object. Pure. */
export function workload(image: string, nodes: number): [string, object][] {
  const selector = (app: string) => ({ matchLabels: { app } });
  const spread = {
    maxSkew: 1,
    topologyKey: "kubernetes.io/hostname",
    whenUnsatisfiable: "ScheduleAnyway",
    labelSelector: selector(movable),
  };
  return [
    [
      "/apis/apps/v1/daemonsets",
      {
        metadata: { name: everywhere },
        spec: {
          selector: selector(everywhere),
          template: template(everywhere, image, { tolerations: [{ operator: "Exists" }] }),
        },
      },
    ],
    [
      "/apis/apps/v1/deployments",
      {
        metadata: { name: movable },
        spec: {
          replicas: nodes,
          selector: selector(movable),
          template: template(movable, image, { topologySpreadConstraints: [spread] }),
        },
      },
    ],
    [
      "/api/v1/services",
      {
        metadata: { name: everywhere },
        spec: { selector: { app: everywhere }, ports: [{ port: 80, targetPort: port }] },
      },
    ],
  ];
}

const inNamespace = (path: string) => path.replace(/\/(\w+)$/, `/namespaces/${namespace}/$1`);

/** Makes the workload anew. Returns when it has been asked for; what an earlier proof left is gone then. */
export async function startWorkload(access: Access, image: string, nodes: number): Promise<void> {
  await stopWorkload(access);
  const gone = () =>
    api(access, "GET", `/api/v1/namespaces/${namespace}`).then(
      () => Promise.reject(new Error("it is there")),
      (error: Error) => (error.message.includes(": 404 ") ? undefined : Promise.reject(error)),
    );
  await waitFor(`the end of the namespace ${namespace} of an earlier proof`, gone, { timeoutMs: 120_000 });
  await apiPatiently(access, "POST", "/api/v1/namespaces", { metadata: { name: namespace } });
  for (const [path, object] of workload(image, nodes))
    await apiPatiently(access, "POST", inNamespace(path), object);
}

/** Asks for the end of everything that the proof runs in pods. */
export async function stopWorkload(access: Access): Promise<void> {
  await api(access, "DELETE", `/api/v1/namespaces/${namespace}`).catch(() => {});
}

/** A pod that serves. */
export type Serving = { name: string; node: string; ip: string };

type Pod = {
  metadata: { name: string; deletionTimestamp?: string };
  spec: { nodeName?: string };
  status?: { podIP?: string; conditions?: { type: string; status: string }[] };
};

/** Pods with a label `app` that are ready and stay. Pure. */
export function serving(pods: readonly Pod[]): Serving[] {
  return pods
    .filter(
      ({ metadata, status }) =>
        !metadata.deletionTimestamp &&
        status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True"),
    )
    .map(({ metadata, spec, status }) => ({
      name: metadata.name,
      node: spec.nodeName ?? "",
      ip: status?.podIP ?? "",
    }));
}

export async function podsOf(access: Access, app: string): Promise<Serving[]> {
  const path = `/api/v1/namespaces/${namespace}/pods?labelSelector=app%3D${app}`;
  return serving((await api<{ items: Pod[] }>(access, "GET", path)).items);
}

/** The address of the Service before the pods on every node. */
export async function serviceAddress(access: Access): Promise<string> {
  const path = `/api/v1/namespaces/${namespace}/services/${everywhere}`;
  return (await apiPatiently<{ spec: { clusterIP: string } }>(access, "GET", path)).spec.clusterIP;
}

/**
 * A shell script for a pod: asks each of these addresses once for the node that answers. Its output: a line `ADDRESS NODE`
 * for each, without a node where nobody answered.
 */
export function askAll(targets: readonly { ip: string; port?: number }[]): string {
  const one = ({ ip, port: at = port }: { ip: string; port?: number }) =>
    `echo "${ip} $(printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 5 ${ip} ${at} | tail -n 1)"`;
  return targets.map(one).join("\n");
}
