import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { parse } from "yaml";
import { nodeCommand } from "../../components/command-line.ts";
import { withServer } from "../../components/kubeconfig.ts";
import { agentJoinToken, readFacts, readIdentity } from "../../components/results.ts";
import { scriptsHash } from "../../components/scripts.ts";
import { factProblems, type NodeFacts } from "../../config/facts.ts";
import {
  addressNumber,
  addressText,
  contains,
  networkOf,
  networkSize,
  overlap,
} from "../../config/network.ts";
import { parseCluster, requireCluster } from "../../config/parse.ts";
import { problemLine } from "../../config/problems.ts";
import { pinnedReleases } from "../../config/releases.ts";
import { serverConfig, stepInput } from "../../config/render.ts";
import { compareVersions, parseVersion, upgradeProblem } from "../../config/version.ts";
import { exampleInput, nodeInput } from "./example.ts";

const address = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const network = fc.tuple(address, fc.integer({ min: 0, max: 32 })).map(([a, prefix]) => networkOf(a, prefix));

test("addresses survive being written and read", () => {
  fc.assert(fc.property(address, (number) => addressNumber(addressText(number)) === number));
});

test("two networks overlap exactly when one contains an end of the other", () => {
  fc.assert(
    fc.property(network, network, (a, b) => {
      const last = (n: typeof a) => n.base + networkSize(n.prefix) - 1;
      assert.equal(overlap(a, b), a.base <= last(b) && b.base <= last(a));
      assert.equal(overlap(a, b), overlap(b, a));
      assert.ok(contains(a, a.base) && contains(a, last(a)));
    }),
  );
});

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

test("config.yaml carries values as values, whatever they are", () => {
  const config = requireCluster(exampleInput({ tlsSans: ["no", "1e3", "null"] }));
  const written = serverConfig(config, config.servers[0]!, "0123");
  const read = parse(written) as Record<string, unknown>;
  assert.equal(read["agent-token"], "0123");
  for (const name of ["no", "1e3", "null"]) assert.ok((read["tls-san"] as string[]).includes(name));
  assert.equal(read["node-name"], "server-1");
  for (const key of ["cluster-init", "server", "token"]) assert.ok(!(key in read), key);
  assert.equal(stepInput("t", "a: 1\n"), "token: t\n---\na: 1\n");
});

const version = fc
  .tuple(...[3, 50, 30, 9].map((max) => fc.integer({ min: 0, max })))
  .map(([major, minor, patch, release]) => `v${major}.${minor}.${patch}+k3s${release}`);

test("S05: an upgrade is refused exactly when it goes back or skips a minor", () => {
  fc.assert(
    fc.property(version, version, (from, to) => {
      const [old, wish] = [parseVersion(from)!, parseVersion(to)!];
      const fine = compareVersions(wish, old) >= 0 && wish.major === old.major && wish.minor - old.minor <= 1;
      assert.equal(upgradeProblem(from, to) === undefined, fine);
    }),
  );
});

test("S05: what is said about a skipped minor and a downgrade", () => {
  assert.match(upgradeProblem("v1.34.2+k3s1", "v1.36.4+k3s1")?.wanted ?? "", /v1\.34 or v1\.35/);
  assert.match(upgradeProblem("v1.34.2+k3s1", "v1.34.1+k3s1")?.next ?? "", /cannot be downgraded in place/);
});

const fact = (node: string, more: Partial<NodeFacts> = {}): NodeFacts => ({
  node,
  arch: "amd64",
  machineId: Buffer.from(node.padEnd(16, ".")).toString("hex").slice(0, 32),
  productUuid: null,
  role: "none",
  version: null,
  ...more,
});
const wish = { version: "v1.35.8+k3s1", checksums: { amd64: "00" }, vip: "192.0.2.10", vipAnswers: false };

for (const [name, facts, change, says] of [
  [
    "S02: one machine-id twice",
    [fact("a"), fact("b", { machineId: fact("a").machineId })],
    {},
    /^b: found machineId .*, the same as on a/,
  ],
  [
    "S02: one product UUID twice",
    [fact("a", { productUuid: "u" }), fact("b", { productUuid: "u" })],
    {},
    /^b: found productUuid u, the same as on a/,
  ],
  [
    "S03: the virtual address answers already",
    [fact("a")],
    { vipAnswers: true },
    /^endpoint\.address: found 192\.0\.2\.10, which answers already/,
  ],
  [
    "S05: downgrade seen on a node",
    [fact("a", { version: "v1.36.4+k3s1" })],
    {},
    /^a: found k3s v1\.36\.4\+k3s1 there and v1\.35\.8\+k3s1 in the stack/,
  ],
  [
    "S40: no checksum for a node's architecture",
    [fact("a", { arch: "arm64" })],
    {},
    /^a: found arm64, for which no checksum/,
  ],
] as const) {
  test(name, () => {
    const problems = factProblems(facts, { ...wish, ...change });
    assert.equal(problems.length, 1);
    assert.match(problemLine(problems[0]!), says);
  });
}

test("S03: the address of a living cluster may answer, and machines without a UUID are not clones", () => {
  const facts = [fact("a", { role: "server" }), fact("b")];
  assert.deepEqual(factProblems(facts, { ...wish, vipAnswers: true }), []);
});

test("the scripts' hash is the one that the shell computes", () => {
  const directory = mkdtempSync(join(tmpdir(), "scripts-"));
  try {
    cpSync(new URL("../../config", import.meta.url), join(directory, "config"), { recursive: true });
    writeFileSync(join(directory, "config-x"), "");
    const command = "find . -type f | LC_ALL=C sort | xargs sha256sum | sha256sum | cut -d' ' -f1";
    const shell = execFileSync("bash", ["-c", command], { cwd: directory, encoding: "utf8" }).trim();
    assert.equal(scriptsHash(directory), shell);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test("every pinned release is exact and has both sums", () => {
  for (const [release, sums] of Object.entries(pinnedReleases)) {
    assert.ok(parseVersion(release), release);
    assert.match(`${sums.amd64} ${sums.arm64}`, /^[0-9a-f]{64} [0-9a-f]{64}$/);
  }
});

test("a kubeconfig gets another server and keeps the rest; what is none is not shown", () => {
  const yaml = "clusters:\n  - name: default\n    cluster:\n      server: https://a\nusers: [secret]\n";
  assert.deepEqual(parse(withServer(yaml, "https://b")).clusters[0].cluster.server, "https://b");
  assert.throws(
    () => withServer("secret", "https://b"),
    /^Error: kubeconfig: the node answered without a cluster/,
  );
});
