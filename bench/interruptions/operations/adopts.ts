import { compare, type Objects, objectsOf } from "../../../lab/oracle.ts";
import { fill, installOld } from "../../../test/lab/old-k3s.ts";
import { adminOf, output } from "../../../test/lab/support.ts";
import type { Operation } from "../operation.ts";

/** What the old k3s holds, known once it is installed. */
let before: Objects;

/** An existing single-node k3s on SQLite that becomes the first server. */
export const operation: Operation = {
  servers: 1,
  agents: 0,
  victim: "server-1",
  verb: "server",
  also: ["migrate", "migrated"],
  async begin(cluster, { release }) {
    const access = await installOld(cluster.machine("server-1"), release, { args: ["--secrets-encryption"] });
    await fill(access);
    before = await objectsOf(access);
  },
  async change(cluster) {
    const [server] = cluster.topology.servers;
    const { name, address } = server!;
    // the machine has just come up, and only a k3s that runs is adopted
    await output(
      cluster.machine(name),
      "timeout 120 sh -c 'until systemctl is-active k3s; do sleep 0.5; done'",
    );
    const entry = { name, host: address, hostKey: cluster.machine(name).hostKey, existing: "adopt" };
    await cluster.configure({ more: { servers: [entry], k3s: { disable: [] } } });
  },
  async check(cluster) {
    const now = await objectsOf(await adminOf(cluster));
    const { missing } = compare(before, before, now);
    if (missing.length > 0) throw new Error(`no longer the same objects: ${missing.join(", ")}`);
  },
};
