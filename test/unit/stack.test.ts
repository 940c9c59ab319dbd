import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { parse } from "yaml";
import { readStack } from "../../config/load.ts";
import { problemLine } from "../../config/problems.ts";
import { asPulumi, exampleInput, hostKeyOf } from "./example.ts";

const key = "-----BEGIN OPENSSH PRIVATE KEY-----\nCanaryOfAPrivateKey\n-----END OPENSSH PRIVATE KEY-----\n";

/** A stack as Pulumi hands it over. */
const read = (more: Record<string, unknown>, secrets: readonly string[] = []) => {
  const input = { ...exampleInput(), ...more };
  const texts = Object.entries(input).map(([name, value]) => [
    `homelab-k3s:${name}`,
    typeof value === "string" ? value : JSON.stringify(value),
  ]);
  const values = { ...Object.fromEntries(texts), "aws:region": "nowhere" };
  return readStack("homelab-k3s", { values, isSecret: (name) => secrets.includes(name) });
};

test("S06: a private key in plain text is refused and never shown", () => {
  const { problems } = read({ sshPrivateKey: key });
  const text = problems.map(problemLine).join("\n");
  assert.match(text, /^sshPrivateKey: found a plain-text value that is not shown; wanted an encrypted value/);
  assert.doesNotMatch(text, /Canary/);
});

test("S06: a secret under a misspelt key is not echoed", () => {
  const { problems } = read({ sshPrivateKye: key, version: key, servers: [{ name: key }] });
  const text = problems.map(problemLine).join("\n");
  assert.match(text, /sshPrivateKye: found a key that is not known here.*Did you mean sshPrivateKey\?/);
  assert.doesNotMatch(text, /Canary/);
});

test("S06: an encrypted key that is no private key is refused without being shown", () => {
  const { problems } = read({ sshPrivateKey: "CanaryOfAPrivateKey" }, ["homelab-k3s:sshPrivateKey"]);
  const text = problems.map(problemLine).join("\n");
  assert.match(text, /^sshPrivateKey: found a value that is not shown; wanted a private key/);
  assert.doesNotMatch(text, /Canary/);
});

test("S06: encrypted values where plain text belongs are refused, since they would become plain text", () => {
  const { problems } = read({}, ["homelab-k3s:version"]);
  assert.match(problems.map(problemLine).join("\n"), /^version: found an encrypted value/);
});

test("an encrypted key is accepted, and other projects' keys are none of our business", () => {
  const { config, problems } = read({ sshPrivateKey: key }, ["homelab-k3s:sshPrivateKey"]);
  assert.deepEqual(problems, []);
  assert.equal(config?.servers.length, 3);
});

/** The configuration in a stack file of the repository. */
const stackFile = (name: string) =>
  (
    parse(readFileSync(new URL(`../../${name}`, import.meta.url), "utf8")) as {
      config: Record<string, unknown>;
    }
  ).config;

test("Pulumi.homelab.yaml is a good configuration without secrets", () => {
  const { config, problems } = readStack("homelab-k3s", {
    values: asPulumi(stackFile("Pulumi.homelab.yaml")),
    isSecret: () => false,
  });
  assert.deepEqual(problems, []);
  assert.deepEqual(
    config?.servers.map(({ name }) => name),
    ["kai-server", "mini-1", "mini-2"],
  );
});

test("Pulumi.lab.yaml wants nothing but the host keys that an instance fills in", () => {
  const config = stackFile("Pulumi.lab.yaml");
  const { problems } = readStack("homelab-k3s", { values: asPulumi(config), isSecret: () => false });
  assert.deepEqual(
    problems.map(({ path }) => path),
    ["servers[0].hostKey", "servers[1].hostKey", "servers[2].hostKey", "agents[0].hostKey"],
  );
  for (const list of ["servers", "agents"]) {
    const nodes = config[`homelab-k3s:${list}`] as { name: string; hostKey: string }[];
    for (const node of nodes) node.hostKey = hostKeyOf(node.name);
  }
  assert.deepEqual(
    readStack("homelab-k3s", { values: asPulumi(config), isSecret: () => false }).problems,
    [],
  );
});
