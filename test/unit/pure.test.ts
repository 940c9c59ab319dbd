import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { parse } from "yaml";
import { withServer } from "../../components/kubeconfig.ts";
import { readKubeconfig } from "../../components/results.ts";
import { scriptsHash } from "../../components/scripts.ts";
import {
  addressNumber,
  addressText,
  contains,
  networkOf,
  networkSize,
  overlap,
} from "../../config/network.ts";
import { requireCluster } from "../../config/parse.ts";
import { pinnedReleases } from "../../config/releases.ts";
import { serverConfig, stepInput } from "../../config/render.ts";
import { parseVersion } from "../../config/version.ts";
import { exampleInput } from "./example.ts";

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
  assert.deepEqual(parse(withServer(yaml, "https://b")!).clusters[0].cluster.server, "https://b");
  // a parser that complains shows the lines around
  for (const none of ["secret", "clusters: [secret", "clusters: []"]) {
    assert.throws(
      () => readKubeconfig("n1", "https://b", none),
      (error: Error) =>
        /^n1: kubeconfig answered without a cluster\. See /.test(error.message) &&
        !error.message.includes("secret"),
    );
  }
});
