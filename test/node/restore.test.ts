import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { emptyRoot, functions, replies, rootWith } from "./shell.ts";

const sha256 = (text: string | Buffer) => createHash("sha256").update(text);

/** What the checks see of an etcd snapshot: magic number, the sealed data's key, a Node's version, its own checksum. */
function snapshotOf({ password = "secret-password", version = "v1.34.2+k3s1", k3s = true } = {}): Buffer {
  const pages = Buffer.alloc(4096);
  Buffer.from("edda0ced", "hex").copy(pages, 16);
  if (k3s) pages.write(`/bootstrap/${sha256(password).digest("hex").slice(0, 12)}`, 100);
  pages.write(`cri:${String.fromCharCode(version.length)}${version}B\0`, 300, "latin1");
  return Buffer.concat([pages, sha256(pages).digest()]);
}

const token = "K10aa::server:secret-password";

const place = "var/lib/homelab-k3s/snapshots/one";

/** Examines the snapshot `one`, with `sent` as the token on standard input. */
const examine = (files: Record<string, string | Buffer>, sent = token, more = "") =>
  functions(
    `TOKEN=$1 CLUSTER_CA=""; ${more} examine_snapshot one v1.34.2+k3s1; echo "$CHOSEN"`,
    [sent],
    rootWith(files),
  );

test("K5 a whole snapshot of this cluster passes, with the token beside it before all others", async () => {
  const sent = await examine({ [place]: snapshotOf() });
  assert.deepEqual([sent.code, sent.stdout], [0, `${token}\n`], sent.stderr);
  const beside = await examine({ [place]: snapshotOf(), [`${place}.token`]: token }, "other-password");
  assert.equal(beside.stdout, `${token}\n`);
  const own = { [place]: snapshotOf(), "var/lib/rancher/k3s/server/token": `${token}\n` };
  assert.equal((await examine(own, "other-password")).stdout, `${token}\n`);
});

test("S28 a truncated, empty, missing, altered, packed or foreign file is refused, and said as such", async () => {
  const whole = snapshotOf();
  const altered = Buffer.from(whole);
  altered[200] = 1;
  const rows: [Buffer | string | undefined, RegExp][] = [
    [undefined, /there is no file .*one.*kept on this node: none/],
    ["", /is empty/],
    [whole.subarray(0, 3000), /was cut short or altered: 3000 bytes/],
    [whole.subarray(0, 2048 + 32), /was cut short/],
    [altered, /was cut short or altered/],
    ["<html>not found</html>, says the mirror", /is not an etcd database/],
    [Buffer.concat([Buffer.from("PK\x03\x04"), whole]), /is a zip file/],
    [snapshotOf({ k3s: false }), /not of a k3s cluster/],
    [
      snapshotOf({ version: "v1.35.0+k3s1" }),
      /is of k3s v1\.35\.0\+k3s1, and the stack's version is v1\.34\.2/,
    ],
  ];
  for (const [content, wanted] of rows) {
    const { code, stderr } = await examine(content === undefined ? {} : { [place]: content });
    assert.equal(code, 3, stderr);
    assert.match(stderr, wanted);
    assert.match(stderr, /Nothing was stopped/);
  }
  const noted = { [place]: whole, [`${place}.json`]: `{"name":"one","sha256":"${"0".repeat(64)}"}` };
  assert.match((await examine(noted)).stderr, /the snapshot one has sha256 .*saved was 0000/);
});

test("S27 a missing or rotated token is refused; so is a snapshot of another cluster", async () => {
  const missing = await examine({ [place]: snapshotOf() }, "rotated-since");
  assert.equal(missing.code, 3);
  assert.match(missing.stderr, /no token for the snapshot one.*one\.token is missing.*restoreToken/);
  const wrong = await examine(
    { [place]: snapshotOf(), [`${place}.token`]: "K10bb::server:wrong" },
    "also-wrong",
  );
  assert.match(wrong.stderr, /neither the one in \S+one\.token nor the one of this stack/);
  const foreign = {
    [place]: snapshotOf(),
    [`${place}.token`]: `K10${"c".repeat(64)}::server:secret-password`,
  };
  const other = await examine(foreign, token, `CLUSTER_CA=${"d".repeat(64)};`);
  assert.equal(other.code, 3);
  assert.match(other.stderr, /of another cluster: its token names the CA ccccccccc.*this node's is dddd/);
  assert.doesNotMatch(other.stderr + wrong.stderr + missing.stderr, /secret-password|also-wrong/);
});

test("S28 versions are compared as versions", async () => {
  const rows = [
    ["v1.34.10+k3s1", "v1.34.9+k3s1"],
    ["v1.34.2+k3s2", "v1.34.2+k3s1"],
    ["v1.34.2+k3s1", "v1.34.2+k3s1"],
    ["v1.9.0+k3s1", "v1.10.0+k3s1"],
  ];
  const { stdout } = await functions(
    'while (($#)); do newer_than "$1" "$2" && echo yes || echo no; shift 2; done',
    rows.flat(),
  );
  assert.deepEqual(stdout.trim().split("\n"), ["yes", "yes", "no", "no"]);
});

test("S29 what a run of a restore does follows from what was done before it", async () => {
  const words = ["", "checked", "halted", "aside", "reset", "done"];
  const on = (name: string, again: string) =>
    replies(
      name,
      words.map((word) => [word, again]),
    );
  const all = ["restore", "restore", "restore", "restore", "resume", "nothing"];
  assert.deepEqual(await on("decide_restore", "no"), all);
  assert.deepEqual(await on("decide_restore", "yes"), ["nothing", ...all.slice(1)]);
  assert.deepEqual(await on("decide_halt", "no"), [...Array(5).fill("halt"), "nothing"]);
  assert.deepEqual(await on("decide_halt", "yes"), ["nothing", ...Array(4).fill("halt"), "nothing"]);
});

const server = "var/lib/rancher/k3s/server";
const member = {
  [`${server}/db/etcd/name`]: "server-1-aaaa",
  [`${server}/db/etcd/member/wal/0`]: "old",
  [`${server}/token`]: "old-token",
  [`${server}/tls/server-ca.crt`]: "old-ca",
};
const aside = (then: string) =>
  `ARG[id]=r1; begin_verb restore; restore_record r1; STATE_FOUND=$REPLY; set_cluster_aside; ${then}`;
const reset = `mkdir -p "$ETCD_DATA/member" && echo half >"$ETCD_DATA/member/x"; echo new >"$DATA/server/token"`;
const read = (root: string, path: string) => readFileSync(join(root, path), "utf8");

test("S29 old data are moved aside, survive a kill in the middle, and come back when the run fails", async () => {
  const root = rootWith(member);
  await functions(aside(`${reset}; kill -9 $$`), [], root);
  assert.equal(read(root, `${server}/before-restore-r1/etcd/member/wal/0`), "old");
  const again = await functions(aside(`[[ -e $ETCD_DATA ]] && echo there; ${reset}; kill -9 $$`), [], root);
  assert.equal(again.stdout, "", "the half-made data of the reset are gone");
  const failed = await functions(aside("die no luck"), [], root);
  assert.match(failed.stderr, /etcd's data, keys and tokens are again as they were/);
  assert.equal(read(root, `${server}/db/etcd/member/wal/0`), "old");
  assert.equal(read(root, `${server}/token`), "old-token");
  assert.ok(!existsSync(join(root, `${server}/before-restore-r1`)));
  assert.equal(read(root, "var/lib/homelab-k3s/restore/r1/state"), "checked");
});

test("S29 killed before the first rename nothing is lost; on a new machine there is nothing to set aside", async () => {
  const root = rootWith(member);
  await functions(
    aside("").replace("set_cluster_aside", "mv() { kill -9 $$; }; set_cluster_aside"),
    [],
    root,
  );
  assert.equal(read(root, `${server}/db/etcd/member/wal/0`), "old");
  await functions(aside(""), [], root);
  assert.equal(read(root, `${server}/before-restore-r1/etcd/member/wal/0`), "old");
  const fresh = emptyRoot();
  await functions(aside(`${reset}; kill -9 $$`), [], fresh);
  const second = await functions(aside("[[ -e $ETCD_DATA ]] && echo there"), [], fresh);
  assert.equal(second.stdout, "");
});

test("S29 a server is past a restore only once it is a part of its cluster again", async () => {
  const root = rootWith({ "var/lib/homelab-k3s/restore/r1/state": "halted" });
  const { stdout } = await functions(
    'halted_for; echo "<$REPLY>"; ARG[restored]=r2; past_restore; halted_for; echo "<$REPLY>"',
    [],
    root,
  );
  assert.equal(stdout, "<r1>\n<>\n");
  assert.equal(read(root, "var/lib/homelab-k3s/restore/r2/state"), "done");
});

test("S24 a server that shall forget two lost ones is told of both, and refuses without a majority", async () => {
  const member = (address: string) => `{"id":1,"peerURLs":["https://${address}:2380"],"name":"x"}`;
  const root = rootWith({
    [`${server}/db/etcd/member/snap/db`]: ["10.0.0.1", "10.0.0.2", "10.0.0.3"].map(member).join(""),
    [`${server}/cred/admin.kubeconfig`]: "x",
  });
  const body = 'observe_k3s() { K3S_HERE=yes; }; tcp_probe() { REPLY=refused; }; verb_forget "$@"';
  const flags = ["--name", "b", "--address", "10.0.0.2", "--peer", "b=10.0.0.2", "--peer", "c=10.0.0.3"];
  const { code, stderr } = await functions(body, flags, root);
  assert.equal(code, 3);
  assert.match(stderr, /refused: etcd has no majority: 1 of 3 voters answer.*silent: b at 10\.0\.0\.2, c at/);
});

test("S24 without a majority the voters in etcd's own database are looked for, and both ways out are named", async () => {
  const member = (address: string) => `{"id":1,"peerURLs":["https://${address}:2380"],"name":"x"}`;
  const root = rootWith({
    [`${server}/db/etcd/member/snap/db`]: `\0${member("10.0.0.1")}\0${member("10.0.0.2")}${member("10.0.0.3")}`,
    "var/lib/homelab-k3s/snapshots/nightly": "x",
  });
  const ask = (peers: string, open: string) =>
    functions(
      `PEERS=(${peers}); tcp_probe() { REPLY=refused; [[ " ${open} " != *" $1:$2 "* ]] || REPLY=open; }
       no_majority && echo "$REPLY"`,
      [],
      root,
    );
  const three = "b=10.0.0.2 c=10.0.0.3";
  const lost = await ask(three, "");
  assert.match(
    lost.stdout,
    /no majority: 1 of 3 voters answer, 2 are needed; silent: b at 10\.0\.0\.2, c at/,
  );
  assert.match(lost.stdout, /Either bring one of these back.*or.*restore.*is 0 h 0 min old/);
  assert.match(lost.stdout, /restore: \{ id: a-new-word, snapshot: nightly \}/);
  assert.equal((await ask(three, "10.0.0.2:2380")).stdout, "");
  assert.equal((await ask("d=10.0.0.4 e=10.0.0.5", "")).stdout, "", "servers to come are no voters");
});
