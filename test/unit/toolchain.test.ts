import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { build } from "../../lab/toolchain/build.ts";
import { mismatch } from "../../lab/toolchain/download.ts";
import { installedCli, installedLanguageHost, installedProvider, onPath } from "../../lab/toolchain/find.ts";
import { reachable } from "../../lab/toolchain/probe.ts";
import { atLeast, cliArchive, providerArchive } from "../../lab/toolchain/versions.ts";

test("versions are compared by their numbers", () => {
  for (const [found, wanted, expected] of [
    ["v3.259.0", "3.259.0", true],
    ["3.300.1", "3.259.0", true],
    ["v3.99.0", "3.259.0", false],
    ["v4.0.0", "3.259.0", true],
    ["v3.259.0-dev.1+g12", "3.259.0", true],
    ["", "3.259.0", false],
    ["unknown", "3.259.0", false],
  ] as const) {
    assert.equal(atLeast(found, wanted), expected, `${found} at least ${wanted}`);
  }
});

test("a download must fit its release's checksums, in each form that they have", () => {
  const content = Buffer.from("archive");
  const sum = (algorithm: string) => createHash(algorithm).update(content).digest("hex");
  const other = "f".repeat(64);
  const fits = (list: string) => mismatch(content, list, "a.tar.gz");
  assert.equal(fits(`${other}  b.tar.gz\n${sum("sha256")}  a.tar.gz\n`), undefined);
  assert.equal(fits(`${sum("sha256").toUpperCase()} *./a.tar.gz`), undefined);
  assert.equal(fits(`${sum("sha1")}  ./a.tar.gz\n`), undefined);
  assert.match(fits(`${other}  a.tar.gz`) ?? "", /a\.tar\.gz has sha256 [0-9a-f]{64}, want f{64}/);
  assert.match(fits(`${sum("sha256")}  aa.tar.gz`) ?? "", /not in the list/);
  assert.match(fits(`${sum("md5")}  a.tar.gz`) ?? "", /unknown kind, 32 digits/);
  assert.match(fits("") ?? "", /not in the list/);
});

test("archives and checksums are those of one release", () => {
  const { url, checksums } = providerArchive("random");
  assert.match(url, /\/pulumi-resource-random-v4\.21\.2-linux-(amd64|arm64)\.tar\.gz$/);
  assert.match(
    checksums,
    /\/pulumi-random\/releases\/download\/v4\.21\.2\/pulumi-random_4\.21\.2_checksums\.txt$/,
  );
  assert.match(cliArchive().url, /\/pulumi-v(.+)-linux-(x64|arm64)\.tar\.gz$/);
});

test("a host that refuses is not reachable, and is asked once", async () => {
  const first = reachable("https://127.0.0.1:1/one");
  assert.equal(first, reachable("https://127.0.0.1:1/two"));
  assert.equal(await first, false);
});

/** A directory with these scripts, and an environment in which nothing else of Pulumi's is found. */
async function withPrograms(context: TestContext, programs: Record<string, string>): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "toolchain-unit-"));
  const { PATH, PULUMI_HOME, XDG_CACHE_HOME } = process.env;
  context.after(async () => {
    Object.assign(process.env, { PATH, PULUMI_HOME, XDG_CACHE_HOME });
    if (PULUMI_HOME === undefined) delete process.env.PULUMI_HOME;
    if (XDG_CACHE_HOME === undefined) delete process.env.XDG_CACHE_HOME;
    await rm(directory, { recursive: true });
  });
  for (const [name, script] of Object.entries(programs)) {
    const file = join(directory, name);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, `#!/bin/sh\n${script}\n`);
    await chmod(file, 0o755);
  }
  process.env.PATH = [join(directory, "bin"), join(directory, "cache/homelab-k3s/toolchain/bin")].join(
    delimiter,
  );
  process.env.PULUMI_HOME = join(directory, "home");
  process.env.XDG_CACHE_HOME = join(directory, "cache");
  return directory;
}

test("a CLI on PATH that is too old is named, and the newer one of ~/.pulumi is used", async (context) => {
  const directory = await withPrograms(context, {
    "bin/pulumi": "echo v3.100.0",
    "home/bin/pulumi": "echo v3.300.0",
  });
  const said: string[] = [];
  assert.equal(await installedCli((message) => void said.push(message)), join(directory, "home/bin/pulumi"));
  assert.deepEqual(said, [
    `pulumi: ${directory}/bin/pulumi is v3.100.0, older than 3.259.0: not used (upgrade it to use it)`,
  ]);
});

test("a provider is found on PATH, else at the SDK's version among the plug-ins", async (context) => {
  const directory = await withPrograms(context, {
    "bin/pulumi-resource-random": "",
    "home/plugins/resource-random-v4.21.2/pulumi-resource-random": "",
    "home/plugins/resource-command-v1.2.1/pulumi-resource-command": "",
    "home/plugins/resource-kubernetes-v4.0.0/pulumi-resource-kubernetes": "",
  });
  assert.equal(await installedProvider("random"), join(directory, "bin/pulumi-resource-random"));
  const command = "home/plugins/resource-command-v1.2.1/pulumi-resource-command";
  assert.equal(await installedProvider("command"), join(directory, command));
  assert.equal(await installedProvider("kubernetes"), undefined);
});

test("the language host is that of PATH, of ~/.pulumi, or the one beside the CLI", async (context) => {
  const cli = "cache/homelab-k3s/toolchain/pulumi-v3.259.0/pulumi/pulumi";
  const hosts = ["bin", "home/bin", dirname(cli)].map((place) => `${place}/pulumi-language-nodejs`);
  const programs = Object.fromEntries([cli, ...hosts].map((name) => [name, ""]));
  const directory = await withPrograms(context, programs);
  for (const host of hosts) {
    assert.equal(await installedLanguageHost(join(directory, cli)), join(directory, host));
    await rm(join(directory, host));
  }
  assert.equal(await installedLanguageHost(join(directory, cli)), undefined);
});

test("what the toolchain itself has put on PATH does not count as installed", async (context) => {
  await withPrograms(context, { "cache/homelab-k3s/toolchain/bin/pulumi": "echo v9.9.9" });
  assert.equal(await onPath("pulumi"), undefined);
});

test("without Go the error says what to install", async (context) => {
  await withPrograms(context, {});
  await assert.rejects(
    build("providers", () => {}),
    /there is no Go to build it with\. Install Go 1[.\d]+ or newer from https:\/\/go\.dev\/dl .*`golang` is too old/,
  );
});
