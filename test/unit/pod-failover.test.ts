import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "yaml";
import { appliedOf } from "../../config/applied.ts";
import { parseCluster, requireCluster } from "../../config/parse.ts";
import { plan } from "../../config/plan.ts";
import { agentConfig, serverConfig } from "../../config/render.ts";
import { exampleInput } from "./example.ts";

const configOf = (podFailover: object) => requireCluster(exampleInput({ podFailover }));
const problemsOf = (podFailover: object) =>
  parseCluster(exampleInput({ podFailover })).problems.map(({ path, found }) => `${path}: ${found}`);

test("P6 how soon pods leave a dead node is told to the API server and the controller manager of every server", () => {
  const config = configOf({ graceSeconds: 45, tolerationSeconds: 90 });
  for (const server of config.servers) {
    const flags = parse(serverConfig(config, server, "password"));
    assert.deepEqual(flags["kube-apiserver-arg"], [
      "default-not-ready-toleration-seconds=90",
      "default-unreachable-toleration-seconds=90",
    ]);
    assert.deepEqual(flags["kube-controller-manager-arg"], ["node-monitor-grace-period=45s"]);
  }
  assert.doesNotMatch(agentConfig(config.agents[0]!), /-arg/);
});

test("P6 what is not given is not said, so that it is Kubernetes' own", () => {
  const none = configOf({});
  assert.doesNotMatch(serverConfig(none, none.servers[0]!, "password"), /-arg/);
  const one = configOf({ tolerationSeconds: 90 });
  assert.doesNotMatch(serverConfig(one, one.servers[0]!, "password"), /controller-manager-arg/);
});

test("P6 a changed value is a restart of one server after the other, and no restart of an agent", () => {
  const lines = plan(appliedOf(configOf({})), appliedOf(configOf({ graceSeconds: 45 })));
  assert.equal(lines.length, 3);
  assert.equal(
    lines[1],
    "server-2: kube-controller-manager-arg unset -> node-monitor-grace-period=45s, restart; 2 of 3 voters meanwhile, quorum 2",
  );
});

test("P6 values with which a healthy node would lose its pods are refused", () => {
  assert.deepEqual(problemsOf({ graceSeconds: 20, tolerationSeconds: 40 }), []);
  assert.deepEqual(problemsOf({ tolerationSeconds: 20 }), []);
  assert.deepEqual(problemsOf({ graceSeconds: 20, tolerationSeconds: 30 }), [
    "podFailover: graceSeconds 20 and tolerationSeconds 30, 50 s together",
  ]);
  assert.deepEqual(problemsOf({ tolerationSeconds: 10 }), [
    "podFailover: graceSeconds 40 and tolerationSeconds 10, 50 s together",
  ]);
  for (const [field, values] of Object.entries({
    graceSeconds: [19, 601, 45.5, "45s"],
    tolerationSeconds: [9, -1, "90"],
  }))
    for (const value of values)
      assert.match(problemsOf({ [field]: value })[0]!, new RegExp(`^podFailover\\.${field}: `));
  assert.match(problemsOf({ toleration: 90 })[0]!, /^podFailover\.toleration: /);
});
