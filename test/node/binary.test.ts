import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { emptyRoot, functions } from "./shell.ts";

const sha256 = (content: Buffer | string) => createHash("sha256").update(content).digest("hex");

/** A program that bash can run and that begins as a binary's first line may not; good enough to be versioned. */
const release = Buffer.from(`#!/bin/sh\n${"# filler\n".repeat(2000)}echo "k3s version v1.34.2+k3s1 (abc)"\n`);
const elf = Buffer.concat([Buffer.from([0x7f, 0x45, 0x4c, 0x46]), Buffer.alloc(5000, 1)]);

let server: Server;
let mirror: string;
let body: Buffer = release;
let cutAfter: number | undefined;
const asked: { url: string; range: string | undefined }[] = [];

before(async () => {
  server = createServer((request, response) => {
    const range = request.headers.range;
    asked.push({ url: request.url!, range });
    const from = Number(/bytes=(\d+)-/.exec(range ?? "")?.[1] ?? 0);
    if (request.url!.startsWith("/gone")) return void response.writeHead(404).end("no such release");
    const content = body.subarray(from);
    response.writeHead(from ? 206 : 200, {
      "content-length": content.length,
      ...(from && { "content-range": `bytes ${from}-${body.length - 1}/${body.length}` }),
    });
    if (cutAfter === undefined) return void response.end(content);
    response.write(content.subarray(0, cutAfter), () => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  mirror = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
after(() => server.close());
beforeEach(() => {
  body = release;
  cutAfter = undefined;
  asked.length = 0;
});

/** Puts the release in place below `root`, where an older binary is already. */
function put(root: string, extra = ":", wanted = sha256(release)) {
  return functions(
    `ARCH=amd64 ARG[version]=v1.34.2+k3s1 ARG[sha256-amd64]=$1 ARG[mirror]=$2 ARG[deadline]=20
     mkdir -p "$STATE"; ${extra}; put_binary; forget_before; echo "\${CHANGED[*]}"`,
    [wanted, mirror],
    root,
  );
}

function nodeWithOldBinary(): string {
  const root = emptyRoot();
  mkdirSync(join(root, "usr/local/bin"), { recursive: true });
  writeFileSync(join(root, "usr/local/bin/k3s"), "old", { mode: 0o755 });
  return root;
}
const inPlace = (root: string) => readFileSync(join(root, "usr/local/bin/k3s"));

test("the release takes its place, executable, and a second run asks nobody", async () => {
  const root = nodeWithOldBinary();
  assert.equal((await put(root)).stdout, "binary\n");
  assert.equal(asked[0]!.url, "/v1.34.2%2Bk3s1/k3s");
  assert.deepEqual(inPlace(root), release);
  const { mode, mtimeMs } = statSync(join(root, "usr/local/bin/k3s"));
  assert.equal(mode & 0o777, 0o755);
  asked.length = 0;
  assert.equal((await put(root)).stdout, "\n");
  assert.equal(asked.length, 0);
  assert.equal(statSync(join(root, "usr/local/bin/k3s")).mtimeMs, mtimeMs);
});

test("S40 what is not the release never takes its place, and the error says what it was", async () => {
  const lies: [string, () => void, RegExp, string?][] = [
    [
      "an altered binary",
      () => (body = elf),
      /altered.*5004 bytes, sha256 wanted [0-9a-f]{64}, found [0-9a-f]{64}/,
    ],
    ["a cut one", () => (body = elf.subarray(0, 100)), /cut short.*100 bytes/],
    ["an error page", () => (body = Buffer.from("<html>blocked</html>")), /begins like a page/],
    ["nothing", () => (body = Buffer.alloc(0)), /is empty/],
    ["a broken transfer", () => (cutAfter = 500), /could not be downloaded: curl: \(18\)/],
    [
      "no such file",
      () => (mirror += "/gone"),
      /could not be downloaded: curl: \(22\).*404.*Correct `download\.mirror` in the stack/,
    ],
  ];
  const honest = mirror;
  for (const [name, lie, error] of lies) {
    body = release;
    cutAfter = undefined;
    lie();
    const root = nodeWithOldBinary();
    const { code, stderr } = await put(root);
    mirror = honest;
    assert.equal(code, 1, name);
    assert.match(stderr, error, name);
    assert.equal(inPlace(root).toString(), "old", name);
    assert.deepEqual(readdirSync(join(root, "usr/local/bin")), ["k3s"], name);
  }
});

test("S40 a checksum of another release is noticed before the binary takes its place", async () => {
  body = Buffer.from(release.toString().replace("1.34.2", "1.33.9"));
  const root = nodeWithOldBinary();
  const { code, stderr } = await put(root, ":", sha256(body));
  assert.equal(code, 1);
  assert.match(stderr, /says it is 'v1\.33\.9\+k3s1', wanted v1\.34\.2\+k3s1/);
  assert.equal(inPlace(root).toString(), "old");
});

test("a download that was cut by a power loss is resumed", async () => {
  const root = nodeWithOldBinary();
  const part = join(root, "usr/local/bin", `.k3s.${sha256(release).slice(0, 12)}.part`);
  writeFileSync(part, release.subarray(0, 9000));
  assert.equal((await put(root)).stdout, "binary\n");
  assert.equal(asked[0]!.range, "bytes=9000-");
  assert.deepEqual(inPlace(root), release);
  assert.ok(!existsSync(part));
});

test("a resumed download of something else is fetched anew", async () => {
  const root = nodeWithOldBinary();
  writeFileSync(join(root, "usr/local/bin", `.k3s.${sha256(release).slice(0, 12)}.part`), Buffer.alloc(9000));
  assert.equal((await put(root)).stdout, "binary\n");
  assert.equal(asked.length, 2);
  assert.deepEqual(inPlace(root), release);
});

test("a binary that was copied to the node is checked in the same way", async () => {
  const root = nodeWithOldBinary();
  mkdirSync(join(root, "upload"));
  writeFileSync(join(root, "upload/k3s"), release);
  assert.equal((await put(root, "ARG[upload]=upload")).stdout, "binary\n");
  assert.equal(asked.length, 0);
  writeFileSync(join(root, "upload/k3s"), elf);
  const other = nodeWithOldBinary();
  const { code, stderr } = await put(other, `ARG[upload]=${join(root, "upload")}`);
  assert.equal(code, 1);
  assert.match(stderr, /the uploaded \S+ is not the release/);
  assert.match((await put(other, "ARG[upload]=missing")).stderr, /missing\/k3s is not on this node/);
});

test("what was fetched before is put in place without asking anybody", async () => {
  const root = nodeWithOldBinary();
  const fetch =
    'stage_binary >/dev/null; UNDO=(); [[ $(<"$K3S") == old ]] || echo touched; ARG[mirror]=http://127.0.0.1:1';
  assert.equal((await put(root, fetch)).stdout, "binary\n");
  assert.equal(asked.length, 1);
  assert.deepEqual(inPlace(root), release);
});

test("uploaded images are laid where k3s imports them, and only those of this architecture", async () => {
  const root = nodeWithOldBinary();
  mkdirSync(join(root, "upload"));
  writeFileSync(join(root, "upload/k3s"), release);
  writeFileSync(join(root, "upload/k3s-airgap-images-amd64.tar.zst"), "images");
  writeFileSync(join(root, "upload/k3s-airgap-images-arm64.tar.zst"), "others");
  assert.equal((await put(root, "ARG[upload]=upload")).stdout, "images binary\n");
  const images = join(root, "var/lib/rancher/k3s/agent/images");
  assert.deepEqual(readdirSync(images), ["k3s-airgap-images-amd64.tar.zst"]);
  assert.equal((await put(root, "ARG[upload]=upload")).stdout, "\n");
});

test("the sum of a large file is the same with openssl and without, and none of a file that is missing", async () => {
  const root = emptyRoot();
  writeFileSync(join(root, "large"), release);
  const body = `sum_of_large "$ROOT/large"; echo "$REPLY"
    sum_of_large "$ROOT/none"; echo "[$REPLY]"
    openssl() { return 127; }
    sum_of_large "$ROOT/large"; echo "$REPLY"`;
  const { stdout } = await functions(body, [], root);
  assert.equal(stdout, `${sha256(release)}\n[]\n${sha256(release)}\n`);
});
