import assert from "node:assert/strict";
import { test } from "node:test";
import { kubeVipEnvironment } from "../../components/kube-vip-manifest.ts";
import { appliedOf } from "../../config/applied.ts";
import { parseCluster, requireCluster } from "../../config/parse.ts";
import { plan } from "../../config/plan.ts";
import { serverConfig } from "../../config/render.ts";
import type { KubeVipConfig } from "../../config/schema.ts";
import { adviseTiming, leaseOf, profiles, timingAdvice, timings } from "../../config/timing.ts";
import { exampleInput } from "./example.ts";

const configOf = (timing: string) => requireCluster(exampleInput({ etcd: { timing } }));
const rendered = (timing: string) => {
  const config = configOf(timing);
  return config.servers.map((server) => serverConfig(config, server, "password"));
};
const problemsOf = (more: Record<string, unknown>) =>
  parseCluster(exampleInput(more)).problems.map(({ path, found }) => `${path}: ${found}`);
const kubeVip = (more: object) => ({ endpoint: { provider: "kube-vip", address: "192.0.2.10", ...more } });

test("K7 a profile is one flag, equal on all servers; k3s' own timings are none", () => {
  for (const text of rendered("lan-ssd")) {
    assert.match(text, /^etcd-arg:\n {2}- heartbeat-interval=100\n {2}- election-timeout=1000$/m);
  }
  for (const text of rendered("default")) assert.doesNotMatch(text, /etcd-arg/);
  assert.match(rendered("slow-disk")[2]!, /election-timeout=10000/);
});

test("K7 any two profiles may meet while servers restart one after the other: every heartbeat comes twice in every election", () => {
  for (const leading of timings) {
    for (const listening of timings) {
      const { heartbeatMs } = profiles[leading];
      assert.ok(heartbeatMs * 2 <= profiles[listening].electionMs, `${leading} leads ${listening}`);
    }
    // etcd refuses to start with less than five heartbeats in an election, or with more than 50 s
    const { heartbeatMs, electionMs } = profiles[leading];
    assert.ok(electionMs >= 5 * heartbeatMs && electionMs <= 50_000, leading);
  }
});

test("S04 a changed profile is a restart of one server after the other, and no restart of an agent", () => {
  const lines = plan(appliedOf(configOf("default")), appliedOf(configOf("lan-ssd")));
  assert.equal(lines.length, 3);
  assert.equal(
    lines[1],
    "server-2: etcd-arg unset -> heartbeat-interval=100,election-timeout=1000, restart; 2 of 3 voters meanwhile, quorum 2",
  );
});

test("K7 releases that would not keep a profile are refused, and k3s' own timings are not", () => {
  const checksums = { amd64: "a".repeat(64) };
  const with_ = (version: string, timing: string) => problemsOf({ version, checksums, etcd: { timing } });
  for (const version of ["v1.21.14+k3s1", "v1.22.3+k3s1"]) {
    assert.deepEqual(with_(version, "lan-ssd"), [`etcd.timing: lan-ssd with k3s ${version}`]);
    assert.deepEqual(with_(version, "default"), []);
  }
  assert.deepEqual(with_("v1.22.4+k3s1", "slow-disk"), []);
  assert.match(problemsOf({ etcd: { timing: "fast" } })[0]!, /^etcd\.timing: "fast"/);
  assert.match(problemsOf({ etcd: { heartbeat: 100 } })[0]!, /^etcd\.heartbeat/);
});

test("H5 S12 the quickest profile that the slowest disk and the longest way can keep is advised", () => {
  assert.equal(adviseTiming({ walSyncMs: 2 }), "lan-ssd");
  assert.equal(adviseTiming({ walSyncMs: 2, roundTripMs: 25 }), "default");
  assert.equal(adviseTiming({ walSyncMs: 11, roundTripMs: 1 }), "default");
  assert.equal(adviseTiming({ walSyncMs: 400 }), "slow-disk");
  assert.equal(timingAdvice("default", { walSyncMs: 2 }), undefined, "patience is no problem");
  assert.equal(timingAdvice("lan-ssd", { walSyncMs: 9.9, roundTripMs: 9.9 }), undefined);
  assert.deepEqual(timingAdvice("lan-ssd", { walSyncMs: 37.25, roundTripMs: 0.4 }), {
    path: "etcd.timing",
    found: "lan-ssd with a WAL sync of 37.3 ms, round trip 0.4 ms (p99)",
    wanted: "at most 10 ms and 10 ms for elections after 1000 ms",
    next: "Set etcd.timing to default: a leader that waits for its disk would be deposed.",
  });
  assert.match(timingAdvice("default", { walSyncMs: 250 })!.next, /to slow-disk/);
});

test("K7 kube-vip's lease follows the profile unless the stack has its own, and every profile's elects", () => {
  const environment = (timing: string, more: object = {}) => {
    const config = requireCluster(exampleInput({ ...kubeVip(more), etcd: { timing } }));
    const endpoint = config.endpoint as KubeVipConfig;
    const values = kubeVipEnvironment(endpoint, leaseOf(endpoint, config.etcd.timing));
    return Object.fromEntries(values.map(({ name, value }) => [name, value]));
  };
  const lease = (values: ReturnType<typeof environment>) =>
    ["vip_leaseduration", "vip_renewdeadline", "vip_retryperiod"].map((name) => values[name]).join("/");
  assert.equal(lease(environment("lan-ssd")), "3/2/1");
  assert.equal(lease(environment("default")), "5/3/1");
  assert.equal(lease(environment("slow-disk")), "15/10/2");
  assert.equal(lease(environment("lan-ssd", { lease: { duration: 10, renew: 6, retry: 2 } })), "10/6/2");
  const values = environment("default");
  assert.equal(values.vip_arpRate, "500");
  assert.equal(values.KUBERNETES_SERVICE_HOST, "127.0.0.1", "the API server of its own node");
  assert.equal(values.KUBERNETES_SERVICE_PORT, "6443");
});

test("K7 a lease of 2/1/1 is refused: it elects nobody", () => {
  const problems = problemsOf(kubeVip({ lease: { duration: 2, renew: 1, retry: 1 } }));
  assert.deepEqual(problems, ["endpoint.lease.duration: 2", "endpoint.lease.renew: 1"]);
  assert.match(problemsOf(kubeVip({ lease: { duration: 4, renew: 3, retry: 3 } }))[0]!, /^endpoint\.lease: /);
});

test("K7 Services are announced only where k3s' own servicelb does not do the same", () => {
  assert.deepEqual(problemsOf(kubeVip({ services: true })), [
    "endpoint.services: true, and k3s' own servicelb beside it",
  ]);
  const config = requireCluster(
    exampleInput({ ...kubeVip({ services: true }), k3s: { disable: ["servicelb"] } }),
  );
  const names = (endpoint: KubeVipConfig) =>
    kubeVipEnvironment(endpoint, leaseOf(endpoint)).map(({ name, value }) => `${name}=${value}`);
  const on = names(config.endpoint as KubeVipConfig);
  assert.ok(on.includes("svc_enable=true") && on.includes("svc_election=true"));
  const off = names(configOf("default").endpoint as KubeVipConfig);
  assert.ok(off.includes("svc_enable=false") && !off.some((name) => name.startsWith("svc_election")));
});
