import assert from "node:assert/strict";
import { test } from "node:test";
import type { ResourceValidationPolicy } from "@pulumi/policy";
import * as commands from "../../policy/commands.ts";
import * as connections from "../../policy/connections.ts";
import { policies } from "../../policy/pack.ts";
import * as pods from "../../policy/pods.ts";
import * as releases from "../../policy/releases.ts";
import { daemonSet, server, serverWith } from "./samples.ts";
import { type Sample, violations } from "./validate.ts";

const good = server(1);
const connection = good.props.connection as Record<string, unknown>;
const line = String(good.props.create);
const token = "K10ABCDEF";

/** A policy, one field changed, and exactly what is said. */
const cases: readonly [
  policy: ResourceValidationPolicy,
  what: string,
  sample: Sample,
  says: readonly string[],
][] = [
  [
    connections.hostKeysPinned,
    "no host key",
    serverWith({ connection: { ...connection, hostKey: undefined } }),
    ["connection.hostKey is missing: any host would be believed. Pin the node's key."],
  ],
  [
    connections.hostKeysPinned,
    "no host key of the bastion",
    serverWith({ connection: { ...connection, proxy: { host: "b" } } }),
    ["connection.proxy.hostKey is missing: any bastion would be believed. Pin the bastion's key."],
  ],
  [
    connections.connectionFieldsKnown,
    "a misspelt field",
    serverWith({ connection: { ...connection, hostkey: "x" } }),
    ["connection.hostkey is not a field this program uses: the provider would print the private key."],
  ],
  [
    connections.dialsBounded,
    "dials without end",
    serverWith({ connection: { ...connection, dialErrorLimit: -1 } }),
    ["connection.dialErrorLimit is missing or unlimited. Give the number of attempts."],
  ],
  [
    commands.updatesGiven,
    "no update",
    serverWith({ update: undefined }),
    ["update is missing: any changed input would run create again."],
  ],
  [
    commands.noTriggers,
    "a trigger",
    serverWith({ triggers: ["x"] }),
    ["triggers replace the resource: k3s would be installed and then uninstalled. Change an input instead."],
  ],
  [
    commands.deletesComeFirst,
    "delete without deleteBeforeReplace",
    { ...good, opts: { ...good.opts, deleteBeforeReplace: false } },
    ["delete is given without deleteBeforeReplace: a replacement would be made first and then removed."],
  ],
  [
    commands.outputsSecret,
    "a readable stdout",
    { ...good, opts: { ...good.opts, additionalSecretOutputs: ["stderr"] } },
    ["stdout is not in additionalSecretOutputs: the secrecy of inputs does not reach it."],
  ],
  [
    commands.outputsSecret,
    "a logged stdout",
    serverWith({ logging: "stdoutAndStderr" }),
    ['logging lets standard output into the log. Set it to "stderr" or "none".'],
  ],
  [
    commands.noSecretInCommands,
    "a token of k3s",
    serverWith({ create: `${line} K10${"0".repeat(64)}::server:x` }),
    ["create contains a k3s token. Send it on standard input."],
  ],
  [
    commands.noSecretInCommands,
    "a flag for a token",
    serverWith({ update: `${line} --token ${token}` }),
    ["update contains a password. Send it on standard input."],
  ],
  [
    commands.noSecretInCommands,
    "a random password",
    serverWith({ delete: `${line} aB3${"x".repeat(45)}` }),
    ["delete contains a long random word. Send it on standard input."],
  ],
  [
    commands.noEnvironment,
    "an environment",
    serverWith({ environment: { A: "b" } }),
    ["environment needs AcceptEnv on the node. Use standard input."],
  ],
  [
    commands.noEnvironment,
    "previous output in the environment",
    serverWith({ addPreviousOutputInEnv: true }),
    ["addPreviousOutputInEnv is not false: each update would warn that sshd refuses the variables."],
  ],
  [
    commands.stepsBounded,
    "no timeout",
    {
      ...good,
      opts: { ...good.opts, customTimeouts: { createSeconds: 0, updateSeconds: 60, deleteSeconds: 0 } },
    },
    ["customTimeouts lacks create or update. Bound the step."],
  ],
  [
    releases.versionsExact,
    "a floating version",
    serverWith({ create: line.replace("v1.34.2+k3s1", "latest") }),
    ["--version is latest. Give an exact release such as v1.34.2+k3s1."],
  ],
  [
    releases.checksumsGiven,
    "no checksum",
    serverWith({ stdin: "---\ntoken: secret\n---\n" }),
    ["no sha256 of the binary is given. Pin the release in config/releases.ts or in the stack's checksums."],
  ],
  [
    pods.imagesByDigest,
    "an image by tag",
    daemonSet({ image: "ghcr.io/kube-vip/kube-vip:v1.1.2" }),
    ["container kube-vip: ghcr.io/kube-vip/kube-vip:v1.1.2 has no digest; a tag can move."],
  ],
  [
    pods.noPrivilegedPods,
    "a privileged container",
    daemonSet({ securityContext: { privileged: true, allowPrivilegeEscalation: false } }),
    ["container kube-vip may become privileged. Set allowPrivilegeEscalation to false."],
  ],
  [
    pods.noPrivilegedPods,
    "one capability too many",
    daemonSet({
      securityContext: { allowPrivilegeEscalation: false, capabilities: { add: ["NET_RAW", "SYS_ADMIN"] } },
    }),
    ["container kube-vip gets SYS_ADMIN. Remove them."],
  ],
  [
    pods.noPrivilegedPods,
    "the host's processes",
    daemonSet({}, { hostPID: true }),
    ["hostPID shares the host's processes. Remove it."],
  ],
];

for (const [policy, what, sample, says] of cases) {
  test(`${policy.name}: ${what}`, async () => assert.deepEqual(await violations(policy, sample), says));
}

test("no policy objects to the good baseline", async () => {
  for (const policy of policies) {
    if (!("validateResource" in policy)) continue;
    for (const sample of [good, daemonSet()])
      assert.deepEqual(await violations(policy, sample), [], policy.name);
  }
});

test("every resource policy has a case here", () => {
  const tried = new Set(cases.map(([policy]) => policy.name));
  for (const policy of policies)
    if ("validateResource" in policy) assert.ok(tried.has(policy.name), policy.name);
});
