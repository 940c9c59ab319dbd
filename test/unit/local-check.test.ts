import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { addressAnswers } from "../../components/address-answers.ts";
import type { CheckInput } from "../../components/check-nodes.ts";

const script = fileURLToPath(new URL("../../components/local-check.ts", import.meta.url));

async function run(input: CheckInput): Promise<{ code: number; out: string; err: string }> {
  const child = spawn(process.execPath, [script]);
  child.stdin.end(JSON.stringify(input));
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const code = await new Promise<number>((resolve) => child.once("close", (status) => resolve(status ?? -1)));
  return { code, out, err };
}

const input = (more: Partial<CheckInput> = {}): CheckInput => ({
  version: "v1.34.2+k3s1",
  checksums: { amd64: "a".repeat(64) },
  nodes: ["server-1", "server-2"].map((node, index) => ({
    node,
    arch: "amd64",
    machineId: String(index).repeat(32),
    productUuid: null,
    role: "none",
    version: null,
  })),
  agents: [],
  ...more,
});

test("machines that agree are let through with one line of JSON", async () => {
  assert.deepEqual(await run(input()), {
    code: 0,
    out: '{"checked":2,"serverRuns":false,"demoted":[]}\n',
    err: "",
  });
});

test("M2: servers that shall be agents are told", async () => {
  const nodes = input().nodes.map((node) => ({ ...node, role: "server" as const }));
  const { out } = await run(input({ nodes, agents: ["server-2", "agent-1"] }));
  assert.deepEqual((JSON.parse(out) as { demoted: string[] }).demoted, ["server-2"]);
});

test("S02: cloned machines stop everything before the first change", async () => {
  const { nodes } = input();
  const { code, out, err } = await run(
    input({ nodes: [nodes[0]!, { ...nodes[1]!, machineId: "0".repeat(32) }] }),
  );
  assert.equal(code, 1);
  assert.equal(out, "");
  assert.match(
    err,
    /^The set of machines has one problem\. Nothing was changed\.\n {2}- server-2: found machineId 0+, the same as on server-1/,
  );
});

test("S03: an address that a machine has is noticed, whether it accepts or refuses", async () => {
  assert.equal(await addressAnswers("127.0.0.1"), true);
});
