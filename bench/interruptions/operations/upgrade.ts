import assert from "node:assert/strict";
import { broughtUp, type Operation } from "../operation.ts";

const versions = ["v1.33.6+k3s1", "v1.34.2+k3s1"];

/** What the API says of every Node: its version, and whether it takes no pods. */
const nodes = `k3s kubectl get nodes -o go-template='{{range .items}}{{.metadata.name}} {{.status.nodeInfo.kubeletVersion}} {{.spec.unschedulable}}
{{end}}'`;

/** The second of three servers, which gets the next minor: it is drained, restarted and uncordoned. */
export const operation: Operation = {
  servers: 3,
  agents: 0,
  versions,
  victim: "server-2",
  verb: "server",
  living: ["server-1", "server-2", "server-3"],
  begin: broughtUp,
  async change(cluster, prepared) {
    await cluster.configure({ release: prepared.releases[1]! });
  },
  async check(cluster) {
    const { stdout } = await cluster.machine("server-1").exec(nodes);
    const expected = cluster.topology.servers.map(({ name }) => `${name} ${versions[1]} <no value>`);
    assert.deepEqual(stdout.trim().split("\n").sort(), expected);
  },
};
