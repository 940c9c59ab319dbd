import assert from "node:assert/strict";
import { test } from "node:test";
import { functions } from "./shell.ts";

/** So many seconds ago, as the API writes times. */
const ago = (seconds: number) => new Date(Date.now() - seconds * 1000).toISOString().replace(/\.\d+/, "");

/** What look_at_nodes finds wrong about the server kai, of which the API says this. */
async function missing(node: string, lease?: string): Promise<string> {
  const said = [
    `Node kai ${node} v1.34.2+k3s1 kubernetes.io/hostname,`,
    ...(lease ? [`Lease kai ${lease}`] : []),
  ];
  const body = `kube() { printf '%s\\n' "$SAID"; }; SAID=$1; ARG[server]=kai MISSING=(); look_at_nodes
    ((\${#MISSING[@]} == 0)) || printf '%s;' "\${MISSING[@]}"; printf '%s' "\${NODES[*]}"`;
  return (await functions(body, [said.join("\n")])).stdout;
}

test("a Node that is younger than its first lease is healthy: its kubelet makes that 10 s later", async () => {
  const healthy = "kai True v1.34.2+k3s1 kubernetes.io/hostname,";
  assert.equal(await missing(`${ago(1)} True`), healthy);
  assert.equal(
    await missing(`${ago(-1)} True`),
    healthy,
    "the clock of the server that registered it is ahead",
  );
  assert.equal(await missing(`${ago(3000)} True`, ago(9)), healthy);
});

test("a Node that is only called Ready is a fault: its lease is old, or was never made", async () => {
  assert.match(
    await missing(`${ago(3000)} True`, ago(77)),
    /^the Node kai is called Ready, but its lease is 7\d s old:/,
  );
  assert.match(await missing(`${ago(2)} True`, ago(77)), /its lease is 7\d s old:/, "of the Node before it");
  assert.match(
    await missing(`${ago(77)} True`),
    /called Ready, but it has no lease, 7\d s after it registered:/,
  );
  assert.match(await missing(`${ago(2)} False`), /^the Node kai is not Ready \(False\);kai False/);
});

test("doctor is told how long each kubelet is silent, with a lease and without", async () => {
  const nodes = [
    `${ago(3000)}|server-1|True|v1.34.2+k3s1|no|start-abc`,
    `${ago(90)}|server-2|True|v1.34.2+k3s1|ours|start-abc`,
    `${ago(3000)}|agent-1|Unknown|v1.34.2+k3s1|yes|<no value>`,
  ].join("\n");
  const body = `kube() { if [[ $1 == get ]]; then printf '%s\\n' "$NODES"; else printf '%s\\n' "$LEASES"; fi; }
    NODES=$1 LEASES=$2; mkdir -p "$SCRATCH"; checkup_api`;
  const { stdout } = await functions(body, [nodes, `server-1 ${ago(4)}\nagent-1 `]);
  const lines = (JSON.parse(stdout) as string[]).map((line) =>
    line.replace(/\|(\d+)\|([^|]*)$/, (_, age, keys) => `|${Math.floor(age / 60)}|${keys}`),
  );
  assert.deepEqual(lines, [
    "server-1|True|v1.34.2+k3s1|no|0|start-abc",
    "server-2|True|v1.34.2+k3s1|ours|1|start-abc",
    "agent-1|Unknown|v1.34.2+k3s1|yes|50|<no value>",
  ]);
});
