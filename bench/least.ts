import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  kubeVipDaemonSet,
  kubeVipName,
  kubeVipNamespace,
  kubeVipRules,
} from "../components/kube-vip-manifest.ts";
import { agentConfig, serverConfig, serverUrl } from "../config/render.ts";
import type { ClusterConfig, NodeConfig } from "../config/schema.ts";
import { leaseOf } from "../config/timing.ts";
import type { Cluster } from "../lab/cluster.ts";
import { nodesReady } from "../lab/failover.ts";
import { votersAre } from "../lab/proof.ts";
import { membersOf } from "../measure/etcd.ts";
import { type Access, accessOf, api } from "../measure/kube.ts";
import { waitFor } from "../measure/wait.ts";

const patience = { timeoutMs: 120_000, everyMs: 100 };
const k3s = "/usr/local/bin/k3s";

/**
 * The least work that makes the same cluster: k3s' own commands in the best order, everything at the same time that can
 * be, one login a machine, and no check but the checksum. Without Pulumi; the yardstick for the program.
 * @returns seconds until all servers are voters, all Nodes Ready, and the endpoint answers
 */
export async function leastWork(cluster: Cluster): Promise<number> {
  const began = performance.now();
  const { config, topology } = cluster;
  const token = randomBytes(16).toString("hex");
  const agentToken = randomBytes(16).toString("hex");
  const [first, ...others] = config.servers;
  const url = serverUrl(first!.address);
  const put = (node: NodeConfig, text: string) => install(cluster, config, node, text);
  const server = (node: NodeConfig, entry: string) =>
    put(node, `${entry}\ntoken: ${token}\n${serverConfig(config, node, agentToken)}`);
  const ready = [
    server(first!, "cluster-init: true"),
    ...others.map((node) => server(node, `server: ${url}`)),
    ...config.agents.map((node) => put(node, `server: ${url}\ntoken: ${agentToken}\n${agentConfig(node)}`)),
  ];
  ready.forEach((one) => {
    one.catch(() => {}); // told when it is awaited
  });
  await ready[0];
  await startUnit(cluster, first!);
  const { stdout } = await cluster.machine(first!.name).exec("cat /etc/rancher/k3s/k3s.yaml");
  const access = { ...accessOf(stdout), server: url };
  const join = async () => {
    for (const [i, node] of others.entries()) {
      await ready[i + 1];
      await startUnit(cluster, node);
      const names = config.servers.slice(0, i + 2).map(({ name }) => name);
      const voters = async () => votersAre(await membersOf(cluster.machine(first!.name)), names);
      await waitFor(`${node.name} is a voter`, voters, patience);
    }
  };
  const agents = config.agents.map(async (node, i) => {
    await ready[1 + others.length + i];
    await startUnit(cluster, node);
  });
  await Promise.all([join(), applyKubeVip(config, access), ...agents]);
  await waitFor(
    "the cluster is complete",
    () => complete(access, topology.vip, topology.nodes.length),
    patience,
  );
  return (performance.now() - began) / 1000;
}

/** Everything that can be in place before the service starts. */
async function install(
  cluster: Cluster,
  config: ClusterConfig,
  node: NodeConfig,
  text: string,
): Promise<void> {
  const { version, download, checksums } = config;
  const sum = checksums?.amd64 ?? checksums?.arm64 ?? "";
  const script = `set -e
mkdir -p /etc/rancher/k3s
cat >/etc/rancher/k3s/config.yaml
curl -fsS -o ${k3s} ${download.mirror}/${encodeURIComponent(version)}/k3s
echo "${sum}  ${k3s}" | sha256sum --quiet -c -
chmod 755 ${k3s}
cat >/etc/systemd/system/${unitOf(node)} <<'UNIT'
${unitText(node.role)}UNIT
systemctl daemon-reload
systemctl enable --quiet ${unitOf(node)}`;
  await run(cluster, node, script, text);
}

const unitOf = ({ role }: NodeConfig) => (role === "server" ? "k3s.service" : "k3s-agent.service");

/** The unit that the program writes, too. */
function unitText(role: string): string {
  const library = new URL("../node/lib/unit.sh", import.meta.url).pathname;
  const script = `source "$1"; ROOT= K3S=${k3s}; unit_text "$2"; printf %s "$REPLY"`;
  return execFileSync("bash", ["-c", script, "unit", library, role], { encoding: "utf8" });
}

/** The unit is of type notify: this returns when k3s says that it runs. */
async function startUnit(cluster: Cluster, node: NodeConfig): Promise<void> {
  await run(cluster, node, `systemctl start ${unitOf(node)}`);
}

async function run(cluster: Cluster, node: NodeConfig, script: string, stdin = ""): Promise<void> {
  const { code, stderr } = await cluster
    .machine(node.name)
    .exec(script, { stdin, timeoutMs: patience.timeoutMs });
  if (code !== 0) throw new Error(`${node.name}: exit code ${code}: ${stderr}`);
}

async function applyKubeVip({ endpoint, etcd }: ClusterConfig, access: Access): Promise<void> {
  if (endpoint.provider !== "kube-vip") return;
  const metadata = { name: kubeVipName, namespace: kubeVipNamespace };
  const rbac = "/apis/rbac.authorization.k8s.io/v1";
  const role = { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: kubeVipName };
  const subjects = [{ kind: "ServiceAccount", name: kubeVipName, namespace: kubeVipNamespace }];
  const namespaced = `namespaces/${kubeVipNamespace}`;
  const objects: [string, object][] = [
    [`/api/v1/${namespaced}/serviceaccounts`, { metadata }],
    [`${rbac}/clusterroles`, { metadata: { name: kubeVipName }, rules: kubeVipRules }],
    [`${rbac}/clusterrolebindings`, { metadata: { name: kubeVipName }, roleRef: role, subjects }],
    [
      `/apis/apps/v1/${namespaced}/daemonsets`,
      { metadata, spec: kubeVipDaemonSet(endpoint, leaseOf(endpoint, etcd.timing)) },
    ],
  ];
  const post = async ([path, body]: [string, object]) => api(access, "POST", path, body);
  for (const object of objects) await waitFor(object[0], () => post(object), patience);
}

async function complete(access: Access, vip: string, nodes: number): Promise<void> {
  await nodesReady({ ...access, server: `https://${vip}:6443` }, nodes);
}
