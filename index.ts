import { K3sCluster } from "./components/K3sCluster.ts";
import { loadStack } from "./config/load.ts";

/** The program: one stack's configuration becomes one cluster. A function, so that one process can run it again. */
export default async function program() {
  const cluster = new K3sCluster("cluster", loadStack());
  const { endpoint, kubeconfig, servers, agents, certificates, snapshots, backups, applied } = cluster;
  const { voters, quorum, versions } = cluster.verified;
  const verified = { voters, quorum, versions };
  return { endpoint, kubeconfig, servers, agents, ...verified, certificates, snapshots, backups, applied };
}
