import assert from "node:assert/strict";
import { existsSync, statSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { functions, put, rootWith } from "./shell.ts";

const server = "var/lib/rancher/k3s/server";
const passwords = `${server}/cred/passwd`;
const encryption = `${server}/cred/encryption-config.json`;

/** Seconds since 1970 at which etcd's copies were made. */
const copiedAt = Date.parse("2026-11-01T12:00:00Z") / 1000;

/** A server whose files were written `after` seconds after etcd's copies, and k3s' answer to who asks for these. */
function serverWith(files: Record<string, { disk: string; copy: string; after: number }>) {
  const root = rootWith({
    [`${server}/token`]: "K10aa::server:secret-password\n",
    [`${server}/tls/server-ca.crt`]: "ca",
  });
  const names: Record<string, string> = { [passwords]: "PasswdFile", [encryption]: "EncryptionConfig" };
  const copies = Object.entries(files).map(([path, { disk, copy, after }]) => {
    const file = put(root, path, disk);
    utimesSync(file, copiedAt + after, copiedAt + after);
    const content = Buffer.from(copy).toString("base64");
    return [names[path], { Timestamp: "2026-11-01T12:00:00.123456789Z", Content: content }];
  });
  return { root, answer: JSON.stringify(Object.fromEntries(copies)) };
}

/** Compares as a node does, with curl's answer made up: what would end the next start, and what would be written over. */
async function compared(files: Parameters<typeof serverWith>[0], status = "200") {
  const { root, answer } = serverWith(files);
  const body = `curl() { printf '%s\\n%s' '${answer}' ${status}; }
    compare_bootstrap_data && printf 'newer:%s other:%s' "\${NEWER[*]#"$DATA"/}" "\${OTHER[*]#"$DATA"/}" || printf 'status:%s' "$REPLY"`;
  return (await functions(body, [], root)).stdout;
}

test("S41: what k3s compares at its start is told from its own answer: only a file that differs and is newer ends it", async () => {
  const file = (disk: string, copy: string, after: number) => ({ [passwords]: { disk, copy, after } });
  assert.equal(await compared(file("same", "same", 900)), "newer: other:");
  assert.equal(await compared(file("new", "old", 900)), "newer:server/cred/passwd other:");
  assert.equal(await compared(file("new", "old", 3)), "newer:server/cred/passwd other:");
  const keys = (after: number) => ({ [encryption]: { disk: "new", copy: "old", after } });
  assert.equal(await compared(keys(3)), "newer:server/cred/encryption-config.json other:");
  assert.equal(await compared(keys(2)), "newer: other:server/cred/encryption-config.json");
  assert.equal(await compared(keys(-900)), "newer: other:server/cred/encryption-config.json");
  assert.equal(await compared(file("old", "new", -900), "503"), "status:503");
});

test("S41: other passwords than etcd's end a start at any age, but not the same ones in another order", async () => {
  const file = (disk: string, copy: string, after: number) => ({ [passwords]: { disk, copy, after } });
  for (const after of [2, -900]) {
    assert.equal(
      await compared(file("a,server\nb,node\n", "a,server\nc,node\n", after)),
      "newer:server/cred/passwd other:",
    );
    assert.equal(
      await compared(file("a,server\nb,node\n", "b,node\na,server\n", after)),
      "newer: other:server/cred/passwd",
    );
  }
  assert.equal(
    await compared(file("a,server\nb,node\n", "b,node\na,server\n", 3)),
    "newer:server/cred/passwd other:",
  );
});

test("S41: a file that is missing is none that ends k3s", async () => {
  const { root, answer } = serverWith({ [passwords]: { disk: "x", copy: "y", after: 900 } });
  const body = `curl() { printf '%s\\n200' '${answer}'; }; UNIT=k3s.service; drop_passwords; compare_bootstrap_data; echo "\${#NEWER[@]}"`;
  const { stdout } = await functions(body, [], root);
  assert.equal(stdout.trim(), "0");
  assert.ok(!existsSync(join(root, passwords)));
});

/** Saves as a node does; k3s' copy of the passwords is brought up to date by the request that rotates the token. */
async function saved(files: Parameters<typeof serverWith>[0], version = "v1.34.4+k3s1") {
  const { root, answer } = serverWith(files);
  // after the request etcd has what is on this server's disk
  const own = Object.fromEntries(
    Object.entries(files).map(([path, file]) => [path, { ...file, copy: file.disk }]),
  );
  const fresh = serverWith(own).answer;
  const body = `UNIT=k3s.service ARG[version]=${version} SERVICE_TOUCHED=1; again() { echo again >>"$ROOT/calls"; }
    curl() { if [[ $* == */v1-k3s/token ]]; then cat >>"$ROOT/calls"; : >"$ROOT/put"; printf 200
      elif [[ -e $ROOT/put ]]; then printf '%s\\n200' '${fresh}'; else printf '%s\\n200' '${answer}'; fi; }
    pause() { :; }; trap 'cat "$ROOT/calls" 2>/dev/null' EXIT; save_bootstrap_data`;
  const ended = await functions(body, [], root);
  return { ...ended, mtime: statSync(join(root, passwords)).mtimeMs / 1000 };
}

test("S41: passwords that are newer than etcd's copy are saved there, by a rotation to the token that is", async () => {
  const { stdout, code, stderr, mtime } = await saved({
    [passwords]: { disk: "new", copy: "old", after: 900 },
  });
  assert.equal(code, 0, stderr);
  assert.match(stdout, /user = "server:secret-password"/);
  assert.match(stdout, /newToken\\":\\"secret-password\\"/);
  assert.ok(mtime > copiedAt + 1000, "the file is the newest of all servers'");
});

test("S41: nothing is saved where nothing is newer", async () => {
  for (const after of [-900, 2]) {
    const { stdout, code } = await saved({ [passwords]: { disk: "a\nb\n", copy: "b\na\n", after } });
    assert.deepEqual([stdout, code], ["", 0]);
  }
  const { stdout, code } = await saved({ [passwords]: { disk: "a", copy: "a", after: 900 } });
  assert.deepEqual([stdout, code], ["", 0]);
});

test("S41: files of this server that are older than the copy are never saved over it", async () => {
  const { stdout, stderr, code } = await saved({
    [passwords]: { disk: "new", copy: "old", after: 900 },
    [encryption]: { disk: "yesterday's keys", copy: "today's keys", after: -900 },
  });
  assert.equal(code, 1);
  assert.match(stdout, /again/);
  assert.doesNotMatch(stdout, /newToken/);
  assert.match(stderr, /encryption-config\.json/);
});

test("S41: a k3s that gives away the files on its disk proves nothing, so its passwords are saved after each start", async () => {
  const same = { [passwords]: { disk: "a", copy: "a", after: 900 } };
  assert.match((await saved(same, "v1.31.4+k3s1")).stdout, /newToken/);
  assert.equal((await saved(same, "v1.33.1+k3s1")).stdout, "");
});

test("S41: a server that ends at every start because of its passwords is freed before its turn comes", async () => {
  const root = rootWith({ [passwords]: "new", "etc/rancher/k3s/.homelab-k3s": "{}" });
  const freed = async (state: string, line: string) => {
    put(root, passwords, "new");
    const body = `service_state() { STATE_WORD=${state}; }; journal() { echo '${line}'; }; unblock_start; [[ -e $PASSWORDS ]] && echo there || echo gone`;
    return (await functions(body, [], root)).stdout.trim();
  };
  const fatal = `level=fatal msg="${root}/${passwords} newer than datastore and could cause a cluster outage."`;
  assert.equal(await freed("activating", fatal), "gone");
  assert.equal(await freed("active", fatal), "there");
  assert.equal(await freed("activating", "level=fatal msg=another"), "there");
});
