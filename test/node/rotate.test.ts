import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { emptyRoot, functions, put, replies } from "./shell.ts";

/** Ends on 25 December 2027, as UTCTime. */
const soon = `-----BEGIN CERTIFICATE-----
MIIBMjCB5aADAgECAhQCGH1138/fOXVT4FqKJJUhFkKq3DAFBgMrZXAwDzENMAsG
A1UEAwwEdGVzdDAeFw0yNjExMjAxMTU5MTRaFw0yNzEyMjUxMTU5MTRaMA8xDTAL
BgNVBAMMBHRlc3QwKjAFBgMrZXADIQBNWGAlK+ZhWMqAazTLuB9Ik2/HKe5TpfwT
yOuNslI6VqNTMFEwHQYDVR0OBBYEFHg6OAAbGUZNdb0+G85SZNaHBzHZMB8GA1Ud
IwQYMBaAFHg6OAAbGUZNdb0+G85SZNaHBzHZMA8GA1UdEwEB/wQFMAMBAf8wBQYD
K2VwA0EAZs3rKROF9QtzStKoiCsHTlnhTUWjeSYJ9ryf0k/tMhgVOAtLEf5n0JQn
+pS316MMJ173qJVKgX64uvyruxB1Ag==
-----END CERTIFICATE-----
`;

/** Ends on 20 March 2065, as GeneralizedTime. */
const late = `-----BEGIN CERTIFICATE-----
MIIBNDCB56ADAgECAhRPvNkmU2eMOzIKyRCqLgp4FVT7tzAFBgMrZXAwDzENMAsG
A1UEAwwEdGVzdDAgFw0yNjExMjAxMTU5MTRaGA8yMDY1MDMyMDExNTkxNFowDzEN
MAsGA1UEAwwEdGVzdDAqMAUGAytlcAMhAAt8bqTpTVxP3TRUYTuvXCcpoRdRypYz
mH4E460ZkHzgo1MwUTAdBgNVHQ4EFgQUHxPaEkYRmY1nsFZOfqoOFhJH9H0wHwYD
VR0jBBgwFoAUHxPaEkYRmY1nsFZOfqoOFhJH9H0wDwYDVR0TAQH/BAUwAwEB/zAF
BgMrZXADQQAlTaJpskoO0b9XNiHyavtnRkS6snEwybM/Za4+zAi1jYyQSE29HbMq
eYR305oTn2XySTNWnr2WbqkE8e+FILoH
-----END CERTIFICATE-----
`;

test("the end of a certificate is read from its DER form, in both ways to write a time", async () => {
  const root = emptyRoot();
  const contents = [soon, late, soon + late, late + soon, "no certificate", ""];
  const files = contents.map((content, index) => [put(root, `${index}.crt`, content)]);
  assert.deepEqual(await replies("first_end", files), [
    "20271225115914",
    "20650320115914",
    "20271225115914",
    "20650320115914",
    "",
    "",
  ]);
  assert.deepEqual(await replies("first_end", [files.flat().slice(1, 2).concat(files[0]!)]), [
    "20271225115914",
  ]);
});

test("the certificate that ends first counts, the served one among them, and CAs do not", async () => {
  const tls = "var/lib/rancher/k3s/server/tls";
  const nearest = async (root: string) =>
    (await functions('nearest_expiry; echo "$REPLY"', [], root)).stdout.trim();
  const root = emptyRoot();
  assert.equal(await nearest(root), "");
  put(root, `${tls}/client-admin.crt`, late);
  put(root, `${tls}/server-ca.crt`, soon);
  put(root, `${tls}/server-ca.nochain.crt`, soon);
  assert.equal(await nearest(root), "2065-03-20T11:59:14Z");
  const served = { data: { "tls.crt": Buffer.from(soon + late).toString("base64"), "tls.key": "" } };
  put(root, `${tls}/dynamic-cert.json`, JSON.stringify(served));
  assert.equal(await nearest(root), "2027-12-25T11:59:14Z");
});

test("what is in etcd is named after the password alone, so all forms of a token name the same", async () => {
  // sha256("secret") begins with 2bb80d537b1d
  const forms = ["secret", "K10abcd::server:secret", "K10ef::node:secret"].map((token) => [token]);
  assert.deepEqual(new Set(await replies("seal_of", forms)), new Set(["/bootstrap/2bb80d537b1d"]));
});

test("S36: a rotation of the keys goes on where it was interrupted", async () => {
  const rows = [
    // the key before, the active one, the others, k3s' stage
    ["old", "old", "", "start", "rotate"],
    ["old", "old", "", "reencrypt_finished", "rotate"],
    ["old", "old", "", "reencrypt_active", "wait"],
    ["old", "new", "old", "reencrypt_active", "wait"],
    ["old", "new", "older\nold", "start", "finish"],
    ["old", "new", "older", "start", "done"],
    ["old", "new", "", "reencrypt_finished", "done"],
  ] as const;
  const answers = await replies(
    "decide_keys",
    rows.map((row) => row.slice(0, 4)),
  );
  assert.deepEqual(
    answers,
    rows.map((row) => row[4]),
  );
});

test("what k3s says of the keys is read", async () => {
  const root = emptyRoot();
  const status = `{
	"stage": "reencrypt_finished",
	"activekey": "AES-CBC aescbckey-2026-11-20T11:43:45Z",
	"enable": true,
	"hashmatch": true,
	"inactivekeys": [
		"AES-CBC aescbckey",
		"AES-CBC other"
	]
}`;
  const k3s = put(root, "usr/local/bin/k3s", `#!/bin/bash\ncat <<'END'\n${status}\nEND\n`);
  const body = `chmod 755 ${k3s}; encryption_state; printf '%s|' $? "$STAGE" "$ACTIVE_KEY" "$INACTIVE_KEYS" "$HASHES_MATCH"`;
  const { stdout } = await functions(body, [], root);
  assert.equal(
    stdout,
    "0|reencrypt_finished|AES-CBC aescbckey-2026-11-20T11:43:45Z|AES-CBC aescbckey\nAES-CBC other|yes|",
  );
  writeFileSync(k3s, `#!/bin/bash\necho '{ "stage": "", "activekey": "" }'\n`);
  const disabled = await functions('encryption_state || echo "$REPLY"', [], root);
  assert.equal(disabled.stdout, "Secrets are not encrypted here\n");
});

/** A member with counters that were applied, and the flags of this run. */
function lookAt(applied: Record<string, number>, flags: Record<string, number>) {
  const root = emptyRoot();
  for (const [record, counter] of Object.entries(applied))
    put(root, `var/lib/homelab-k3s/applied/${record}`, String(counter));
  const args = Object.entries(flags).map(([flag, counter]) => `ARG[${flag}]=${counter};`);
  const body = `FRESH=no MEMBERSHIP=member UNIT=k3s.service TOKEN=same; own_token() { REPLY=same; }
    ${args.join(" ")} look_at_rotations; echo "due:$DUE"; finish_rotations; cat "$APPLIED"/* 2>/dev/null; true`;
  return functions(body, [], root);
}

test("a counter that was raised is due once", async () => {
  // the records are printed in the order of their names
  for (const [applied, flags, due, records] of [
    [{}, {}, "", ""],
    [{}, { "rotate-certificates": 1 }, "certificates ", "1"],
    [{ certificates: 1 }, { "rotate-certificates": 1 }, "", "1"],
    [{ certificates: 1 }, { "rotate-certificates": 3, "rotate-keys": 2 }, "keys certificates ", "32"],
    [{ "encryption-keys": 9 }, { "rotate-keys": 10 }, "keys ", "10"],
    // which token the cluster has is asked of the cluster
    [{}, { "rotate-token": 1 }, "", "1"],
  ] as const) {
    const { stdout, stderr } = await lookAt(applied, flags);
    assert.equal(stdout, `due: ${due}\n${records}`, stderr);
  }
});

test("M2: what a server has rotated is no agent's business after it was demoted", async () => {
  const root = emptyRoot();
  put(root, "var/lib/homelab-k3s/applied/server-token", "1");
  const body = `FRESH=no UNIT=k3s-agent.service; ARG[rotate-certificates]=1; look_at_rotations; echo "due:$DUE"`;
  assert.equal((await functions(body, [], root)).stdout, "due: certificates \n");
});

test("S36: a counter that was lowered is refused, also when it is left out", async () => {
  for (const flags of [{ "rotate-certificates": 1 }, {}] as const) {
    const { code, stderr } = await lookAt({ certificates: 2 }, flags);
    assert.equal(code, 3);
    assert.match(stderr, /refused: rotate\.certificates was 2 .* Set it to 2, or to 3 for one more rotation/);
  }
});

test("a node that is made anew has nothing to rotate, and remembers no earlier counters", async () => {
  const root = emptyRoot();
  put(root, "var/lib/homelab-k3s/applied/certificates", "7");
  const body = `FRESH=no MEMBERSHIP=join UNIT=k3s.service; ARG[rotate-keys]=2; look_at_rotations; echo "due:$DUE"; finish_rotations`;
  assert.equal((await functions(body, [], root)).stdout, "due: \n");
  const record = (name: string) => readFileSync(join(root, "var/lib/homelab-k3s/applied", name), "utf8");
  assert.deepEqual([record("certificates"), record("encryption-keys")], ["0", "2"]);
});

test("the new token takes the old one's place in the join file, and an undo does not bring that back", async () => {
  const root = emptyRoot();
  const join = "etc/rancher/k3s/config.yaml.d/10-join.yaml";
  const file = put(root, join, '# founded\ncluster-init: true\ntoken: "oldpassword"\n');
  const body = `ACTING=1 TOKEN=newpassword; remember "$CONFIG"; remember "$JOIN"; replace_token; UNDO_LAST=""; run_undo; own_token; echo "$REPLY"`;
  const { stdout } = await functions(body, [], root);
  assert.equal(readFileSync(file, "utf8"), '# founded\ncluster-init: true\ntoken: "newpassword"\n');
  assert.match(stdout, /newpassword/);
});

test("S36: a server that accepts no token of ours is refused, unless a living one has its CA", async () => {
  const strangers = (living: string) =>
    functions(
      `ETCD_HERE=no STRANGERS=("aa server-3 at https://192.0.2.13:6443") LIVING_CA=${living}; refuse_strangers`,
    );
  assert.equal((await strangers("aa")).code, 0);
  for (const living of ["bb", '""']) {
    const { code, stderr } = await strangers(living);
    assert.equal(code, 3);
    assert.match(
      stderr,
      /server-3 at https:\/\/192\.0\.2\.13:6443 is a k3s server that does not accept our token/,
    );
  }
});

test("S36: a server that accepts no token of ours, but has the CA of the cluster whose data is here, only has no word", async () => {
  const root = emptyRoot();
  put(root, "var/lib/rancher/k3s/server/cred/passwd", "");
  put(root, "var/lib/rancher/k3s/server/tls/server-ca.crt", "ca\n");
  const ca = createHash("sha256").update("ca\n").digest("hex");
  const look = (data: string) =>
    functions(
      `observe_k3s; ETCD_HERE=${data} STRANGERS=("${ca} server-3 at https://192.0.2.13:6443") LIVING_CA=""; refuse_strangers; echo "\${UNKNOWN[*]}"`,
      [],
      root,
    );
  assert.match((await look("yes")).stdout, /^server-3 at .* has another token of this cluster/);
  assert.equal((await look("no")).code, 3);
});

test("S36 a k3s that is starting, as after a power cut, is waited for before its token is rotated", async () => {
  const looks = (states: string) =>
    functions(
      `POLL=0 UNIT=k3s.service; states=(${states}); service_state() { STATE_WORD=\${states[0]}; states=("\${states[@]:1}"); }; started_up; echo "$STATE_WORD"`,
    );
  assert.equal((await looks("activating activating active")).stdout, "active\n");
  assert.equal((await looks("activating other active")).stdout, "other\n");
  assert.equal((await looks("other active")).stdout, "other\n");
});
