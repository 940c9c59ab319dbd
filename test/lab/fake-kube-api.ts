import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";

type KubeObject = {
  apiVersion: string;
  kind: string;
  metadata: { labels?: Record<string, string>; [field: string]: unknown };
  data?: unknown;
};

/** The server refuses objects with the label `mood: refused`. */
export const refusedMood = "refused";

/** As much of a Kubernetes API server as ConfigMaps need: discovery, server-side apply, get, delete. */
export type FakeKubeApi = {
  kubeconfig: string;
  /** What is there, by NAMESPACE/NAME. */
  objects: Map<string, KubeObject>;
  close(): Promise<void>;
};

const kinds = {
  kind: "APIResourceList",
  groupVersion: "v1",
  resources: [
    {
      name: "configmaps",
      singularName: "configmap",
      namespaced: true,
      kind: "ConfigMap",
      verbs: ["get", "patch"],
    },
  ],
};

const discovery: Record<string, unknown> = {
  "/version": { major: "1", minor: "34", gitVersion: "v1.34.0" },
  "/api": { kind: "APIVersions", versions: ["v1"] },
  "/apis": { kind: "APIGroupList", apiVersion: "v1", groups: [] },
  "/api/v1": kinds,
};

/** Serves on the loopback, without TLS. */
export async function serveKubeApi(): Promise<FakeKubeApi> {
  const objects = new Map<string, KubeObject>();
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? "/", "http://fake");
    const { status, body } = answer(objects, request.method ?? "GET", url, await bodyOf(request));
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const kubeconfig = JSON.stringify({
    "current-context": "fake",
    contexts: [{ name: "fake", context: { cluster: "fake", user: "fake" } }],
    clusters: [{ name: "fake", cluster: { server: `http://127.0.0.1:${port}` } }],
    users: [{ name: "fake", user: {} }],
  });
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { kubeconfig, objects, close };
}

function answer(objects: Map<string, KubeObject>, method: string, url: URL, body: string) {
  const known = discovery[url.pathname];
  if (known !== undefined) return { status: 200, body: known };
  const [, namespace, name] =
    /^\/api\/v1\/namespaces\/([^/]+)\/configmaps\/([^/]+)$/.exec(url.pathname) ?? [];
  const key = `${namespace}/${name}`;
  if (method === "PATCH" && name !== undefined) {
    const sent = JSON.parse(body) as KubeObject;
    if (sent.metadata.labels?.mood === refusedMood) return { status: 422, body: failure(422, "Invalid") };
    const object = { ...sent, metadata: { ...sent.metadata, uid: `uid-${name}`, generation: 1 } };
    if (!url.searchParams.has("dryRun")) objects.set(key, object);
    return { status: 200, body: object };
  }
  const object = objects.get(key);
  if (object === undefined) return { status: 404, body: failure(404, "NotFound") };
  if (method === "DELETE") objects.delete(key);
  return { status: 200, body: object };
}

function failure(code: number, reason: string) {
  return { kind: "Status", apiVersion: "v1", status: "Failure", message: `it is ${reason}`, reason, code };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = "";
  for await (const chunk of request) body += chunk;
  return body;
}
