import { type Agent, request } from "node:https";
import { parse } from "yaml";

/**
 * How to talk to the API as the cluster's administrator. PEM texts.
 * With an agent its connections are used; without one every request has a connection of its own.
 */
export type Access = { server: string; ca: string; cert: string; key: string; agent?: Agent };

type Kubeconfig = {
  clusters: { cluster: { server: string; "certificate-authority-data": string } }[];
  users: { user: { "client-certificate-data": string; "client-key-data": string } }[];
};

/** The access in a kubeconfig with one cluster and one user, as k3s writes it. */
export function accessOf(kubeconfig: string): Access {
  const { clusters, users } = parse(kubeconfig) as Kubeconfig;
  const cluster = clusters[0]?.cluster;
  const user = users[0]?.user;
  if (!cluster || !user) throw new Error("kubeconfig: found no cluster or no user, want one of each");
  const text = (base64: string) => Buffer.from(base64, "base64").toString();
  return {
    server: cluster.server,
    ca: text(cluster["certificate-authority-data"]),
    cert: text(user["client-certificate-data"]),
    key: text(user["client-key-data"]),
  };
}

/**
 * One request to the API, with its body parsed where it is JSON.
 * @throws on anything but a status below 300, naming the request and the answer.
 */
export function api<T>(
  access: Access,
  method: string,
  path: string,
  body?: unknown,
  timeoutMs = 5_000,
): Promise<T> {
  const url = new URL(path, access.server);
  return new Promise((resolve, reject) => {
    const { ca, cert, key, agent = false as const } = access;
    const headers = body === undefined ? {} : { "content-type": "application/json" };
    const options = {
      method,
      agent,
      ca,
      cert,
      key,
      headers,
      signal: AbortSignal.timeout(timeoutMs),
    };
    const req = request(url, options, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
      });
      response.once("end", () => {
        const { statusCode = 0 } = response;
        if (statusCode >= 300)
          return reject(new Error(`${method} ${url}: ${statusCode} ${text.slice(0, 300)}`));
        resolve((text.startsWith("{") ? JSON.parse(text) : text) as T);
      });
    });
    req.once("error", (error) => reject(new Error(`${method} ${url}: ${error.message}`)));
    req.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

/** A Node whose kubelet is silent for longer has not been heard of, milliseconds: it renews its lease every 10 s. */
export const freshLeaseMs = 20_000;

/** A Node as the API sees it. */
export type NodeView = {
  name: string;
  ready: boolean;
  version: string;
  roles: string[];
  /** Since its lease was renewed; without a lease, since it registered: its kubelet makes the first one 10 s later. */
  silentMs: number;
};

type List<T> = { items: T[] };
type NodeObject = {
  metadata: { name: string; creationTimestamp: string; labels?: Record<string, string> };
  status?: { conditions?: { type: string; status: string }[]; nodeInfo?: { kubeletVersion: string } };
};
type LeaseObject = { metadata: { name: string }; spec?: { renewTime?: string } };

/** The Nodes with how long their kubelets are silent: a Node stays Ready for 40 s after its machine is gone. */
export async function nodesOf(access: Access): Promise<NodeView[]> {
  const leases = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases";
  const [nodes, leaseList] = await Promise.all([
    api<List<NodeObject>>(access, "GET", "/api/v1/nodes"),
    api<List<LeaseObject>>(access, "GET", leases),
  ]);
  const renewed = new Map(leaseList.items.map((lease) => [lease.metadata.name, lease.spec?.renewTime]));
  return nodes.items.map((node) => nodeView(node, renewed.get(node.metadata.name), Date.now()));
}

const roleLabel = "node-role.kubernetes.io/";

/** Pure part of {@link nodesOf}. */
export function nodeView(node: NodeObject, renewTime: string | undefined, now: number): NodeView {
  const ready = node.status?.conditions?.find((condition) => condition.type === "Ready")?.status === "True";
  return {
    name: node.metadata.name,
    ready,
    version: node.status?.nodeInfo?.kubeletVersion ?? "",
    roles: Object.keys(node.metadata.labels ?? {})
      .filter((label) => label.startsWith(roleLabel))
      .map((label) => label.slice(roleLabel.length))
      .sort(),
    silentMs: now - Date.parse(renewTime ?? node.metadata.creationTimestamp),
  };
}
