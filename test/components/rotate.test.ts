import assert from "node:assert/strict";
import { test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { caHash, canary, expires } from "./answers.ts";
import { build, resolved } from "./build.ts";
import { inputOf, lineOf } from "./engine.ts";

const rotate = (counters: Record<string, number>) => build({ rotate: counters });

test("P5: a stack that never rotated has no sign of it on any command", async () => {
  const { resources } = await build();
  for (const { inputs } of resources.custom) assert.doesNotMatch(String(inputs.update), /--rotate-|--first/);
  assert.equal(resources.custom.filter(({ name }) => name.startsWith("cluster-token-")).length, 2);
});

test("P5: each rotation of a token adds a protected password, and the newest is the one in use", async () => {
  const { resources } = await rotate({ serverToken: 2, agentToken: 1 });
  const passwords = resources.custom.filter(({ name }) => name.startsWith("cluster-token-"));
  assert.deepEqual(passwords.map(({ name }) => name).sort(), [
    "cluster-token-agent",
    "cluster-token-agent-1",
    "cluster-token-server",
    "cluster-token-server-1",
    "cluster-token-server-2",
  ]);
  assert.ok(passwords.every((password) => password.protect));
  const stdin = (name: string) => inputOf(resources.named(`${name}-k3s`));
  // mocks call a password after the end of its name
  assert.match(stdin("server-1"), new RegExp(`^token: ${canary}2\n`));
  for (const server of ["server-2", "server-3"])
    assert.match(stdin(server), new RegExp(`^token: K10${caHash}::server:${canary}2\n`));
  assert.match(stdin("agent-1"), new RegExp(`^token: K10${caHash}::node:${canary}1\n`));
  for (const server of ["server-1", "server-2", "server-3"])
    assert.match(stdin(server), new RegExp(`\nagent-token: ${canary}1\n`));
});

test("P5: every server learns the counters, and only the first rotates for the cluster", async () => {
  const { resources } = await rotate({ serverToken: 1, encryptionKeys: 2, certificates: 3 });
  const update = (name: string) => lineOf(resources.named(name), "update");
  for (const server of ["server-1", "server-2", "server-3"])
    assert.match(update(`${server}-k3s`), /--rotate-token 1 --rotate-keys 2 --rotate-certificates 3/);
  assert.match(update("server-1-k3s"), /--first/);
  assert.doesNotMatch(update("server-2-k3s"), /--first/);
  assert.match(update("agent-1-k3s"), /--rotate-certificates 3/);
  assert.doesNotMatch(update("agent-1-k3s"), /--rotate-(token|keys)/);
  assert.match(update("cluster-verify"), /--rotate-keys 2/);
});

test("S36: every node is reached and looked at before the first one rotates", async () => {
  const [before, after] = [await build(), await rotate({ certificates: 1 })];
  const command = ({ resources }: typeof before) => resources.named("cluster-preflight").inputs.update;
  assert.notEqual(command(before), command(after));
});

test("P5: the kubeconfig is read again when certificates were rotated, and only then", async () => {
  const reading = async (counters: Record<string, number>) =>
    (await rotate(counters)).resources.named("cluster-kubeconfig").inputs.update;
  assert.notEqual(await reading({ certificates: 1 }), await reading({}));
  assert.equal(await reading({ serverToken: 1, agentToken: 1, encryptionKeys: 1 }), await reading({}));
});

test("M6: the end of each server's certificates is an output, and no secret", async () => {
  const { result: cluster } = await build();
  assert.deepEqual(await resolved(cluster.certificates), {
    "server-1": expires,
    "server-2": expires,
    "server-3": expires,
  });
  assert.equal(await pulumi.isSecret(cluster.certificates), false);
});
