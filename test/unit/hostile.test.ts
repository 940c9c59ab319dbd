import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { nodeCommand } from "../../components/command-line.ts";
import { agentJoinToken, readFacts, readIdentity } from "../../components/results.ts";
import { parseCluster } from "../../config/parse.ts";
import { problemLine } from "../../config/problems.ts";
import { exampleInput, nodeInput } from "./example.ts";

/** Text that somebody might try to smuggle into a command. */
const hostile = fc.oneof(
  fc.constantFrom(
    "-rf",
    "--found",
    "$(id)",
    "`id`",
    "a;b",
    "a|b",
    "a\nb",
    "a b",
    "'",
    '"',
    "\\",
    "a\u0000b",
    "ü",
    "",
  ),
  fc.string({ maxLength: 80 }),
  fc.string({ unit: "binary", maxLength: 80 }),
);
const harmless = /^[A-Za-z0-9@%+=:,./_ ~-]*$/;

for (const [field, input] of Object.entries({
  name: (value: string) => exampleInput({ agents: [nodeInput(value, "198.51.100.1")] }),
  host: (value: string) => exampleInput({ agents: [nodeInput("a", value, { address: "198.51.100.1" })] }),
  address: (value: string) => exampleInput({ agents: [nodeInput("a", "h", { address: value })] }),
  user: (value: string) => exampleInput({ agents: [nodeInput("a", "198.51.100.1", { user: value })] }),
  label: (value: string) =>
    exampleInput({ agents: [nodeInput("a", "198.51.100.1", { labels: { [value]: value } })] }),
  taint: (value: string) => exampleInput({ agents: [nodeInput("a", "198.51.100.1", { taints: [value] })] }),
  version: (value: string) => exampleInput({ version: value }),
  mirror: (value: string) => exampleInput({ download: { mirror: value } }),
  snapshot: (value: string) => exampleInput({ snapshots: [value] }),
  tlsSan: (value: string) => exampleInput({ tlsSans: [value] }),
  hostKey: (value: string) => exampleInput({ agents: [{ name: "a", host: "198.51.100.1", hostKey: value }] }),
  interface: (value: string) =>
    exampleInput({ endpoint: { provider: "kube-vip", address: "192.0.2.10", interface: value } }),
})) {
  test(`S38: no hostile ${field} passes, and a refusal stays on one line`, () => {
    fc.assert(
      fc.property(hostile, (value) => {
        const { config, problems } = parseCluster(input(value));
        if (config) assert.ok(harmless.test(value) && !value.startsWith("-"), JSON.stringify(value));
        for (const problem of problems) assert.doesNotMatch(problemLine(problem), /\p{Cc}/u);
      }),
    );
  });
}

test("S38: the last lock before a shell holds by itself", () => {
  fc.assert(
    fc.property(hostile, (value) => {
      try {
        const command = nodeCommand("admin", "server", "ab", [["name", value]]);
        assert.match(command, /^[A-Za-z0-9@%+=:,./_ ~-]+$/);
        assert.equal(command.split(" ").length, 9);
        assert.notEqual(command.split(" ").at(-1)?.[0], "-");
      } catch (error) {
        assert.match(String(error), /must not reach a command line/);
        assert.ok(value.length < 3 || !String(error).includes(value));
      }
    }),
  );
});

test("S38: hostile answers of a node are refused without being repeated", () => {
  fc.assert(
    fc.property(hostile, (text) => {
      const answer = {
        node: "a",
        url: "https://192.0.2.1:6443",
        token: text,
      };
      for (const stdout of [text, JSON.stringify(answer)]) {
        assert.throws(() => readIdentity("a", "192.0.2.1", stdout), /answered with (something|unexpected)/);
      }
    }),
  );
  assert.throws(() => readFacts("a", '{"node":"b"}'), /unexpected/);
});

test("a token without the hash of a CA, or another node's answer, goes no further", () => {
  const answer = {
    node: "a",
    url: "https://192.0.2.1:6443",
    token: `K10${"0".repeat(64)}::server:x`,
  };
  const readAs = (change: object) => () =>
    readIdentity("a", "192.0.2.1", JSON.stringify({ ...answer, ...change }));
  assert.equal(readAs({})().token, answer.token);
  assert.throws(readAs({ token: "password" }), /unexpected token/);
  assert.throws(readAs({ node: "b" }), /another node/);
  assert.throws(readAs({ url: "https://203.0.113.1:6443" }), /another node/);
  assert.equal(agentJoinToken(answer.token, "pw"), `K10${"0".repeat(64)}::node:pw`);
});
