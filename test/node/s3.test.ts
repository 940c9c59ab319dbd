import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { emptyRoot, functions } from "./shell.ts";

const snapshots = "var/lib/rancher/k3s/server/db/snapshots";
const kept = "var/lib/homelab-k3s/snapshots";
const secretKey = "CanaryOfAnS3Key";

/**
 * A k3s that only knows snapshots. The file `s3` in its root says how the store is: ok, down, or cut: an upload that
 * fails is an error in k3s' journal alone, and its command ends well.
 */
const fakeK3s = `#!/bin/bash
root=$K3S_NODE_ROOT dir=$root/${snapshots} s3=yes name="" verb=$2
echo "$*" >>"$root/calls"
shift 2
while (($#)); do
  case $1 in
    --name) name=$2; shift ;;
    --etcd-s3=false) s3=no ;;
    --etcd-s3-timeout=*) ;;
    *) file=$1 ;;
  esac
  shift
done
grep -q '^etcd-s3: true' "$root/etc/rancher/k3s/config.yaml" || s3=no
state=$(cat "$root/s3")
if [[ $s3 == yes && $state == down ]]; then
  echo 'time="x" level=fatal msg="see server log for details: https://127.0.0.1:6443/db/snapshot: 400 Bad Request failed to initialize S3 client: dial tcp 192.0.2.9:9000: connect: connection refused with ${secretKey}"' >&2
  exit 1
fi
case $verb in
  save)
    if [[ -e $root/busy ]]; then
      rm "$root/busy"
      echo 'level=fatal msg="see server log for details: 500 Internal Server Error snapshot save already in progress"' >&2
      exit 1
    fi
    made=$name-server-1-$((1700000000 + $(wc -l <"$root/calls")))
    printf '%016d\\xed\\xda\\x0c\\xed and more' 0 >"$dir/$made"
    [[ $s3 == yes && $state == ok ]] && cp "$dir/$made" "$root/bucket/$made"
    echo "level=info msg=\\"Snapshot $made saved.\\"" >&2
    ;;
  ls)
    echo "Name Location Size Created"
    for file in "$dir"/*; do echo "\${file##*/} file://$file $(stat -c %s "$file") x"; done
    [[ $s3 == yes ]] && for file in "$root"/bucket/*; do echo "\${file##*/} s3://b/\${file##*/} $(stat -c %s "$file") x"; done
    ;;
  delete) rm -f "$dir/$file"; [[ $s3 == yes ]] && rm -f "$root/bucket/$file" ;;
esac
exit 0
`;

function server(s3: "ok" | "down" | "cut" | "none"): string {
  const root = emptyRoot();
  for (const name of [snapshots, "usr/local/bin", "etc/rancher/k3s", "bucket", "var/lib/homelab-k3s"])
    mkdirSync(join(root, name), { recursive: true });
  mkdirSync(join(root, "var/lib/rancher/k3s/server/db/etcd/member"), { recursive: true });
  writeFileSync(join(root, "var/lib/rancher/k3s/server/token"), "K10token\n");
  const keys = `etcd-s3: true\netcd-s3-endpoint: 192.0.2.9:9000\netcd-s3-bucket: b\netcd-s3-secret-key: "${secretKey}"\n`;
  writeFileSync(join(root, "etc/rancher/k3s/config.yaml"), s3 === "none" ? "" : keys);
  writeFileSync(join(root, "s3"), s3);
  writeFileSync(join(root, "usr/local/bin/k3s"), fakeK3s);
  chmodSync(join(root, "usr/local/bin/k3s"), 0o755);
  return root;
}

/** One verb on the node; etcd is well. */
const run = (root: string, words: string) =>
  functions(
    `export K3S_NODE_ROOT; etcd_status() { ETCD_REVISION=7; }; verb_${words.replace(/^(\w+)-/, "$1_")}`,
    [],
    root,
  );

const calls = (root: string) => readFileSync(join(root, "calls"), "utf8").trim().split("\n");
const setS3 = (root: string, state: string) => writeFileSync(join(root, "s3"), state);
const save = "snapshot-save --name mine --keep-token --s3";

test("P5 a snapshot without S3 is saved here, with its token, and nothing is said of S3", async () => {
  const root = server("none");
  const { code, stdout, stderr } = await run(root, "snapshot-save --name mine --keep-token");
  assert.equal(code, 0, stderr);
  const report = JSON.parse(stdout) as Record<string, unknown>;
  assert.match(String(report.file), /mine-server-1-\d+$/);
  assert.equal(report.s3, undefined);
  assert.equal(readFileSync(join(root, kept, "mine.token"), "utf8"), "K10token");
  assert.doesNotMatch(calls(root).join(), /s3/);
});

test("M4 with S3 the copy there is part of what was saved, and verified with it", async () => {
  const root = server("ok");
  const saved = await run(root, save);
  assert.equal(saved.code, 0, saved.stderr);
  assert.match(JSON.parse(saved.stdout).s3, /^s3:\/\/b\/mine-server-1-\d+$/);
  assert.equal((await run(root, "snapshot-verify --name mine --s3")).code, 0);
  const again = await run(root, save);
  assert.equal(again.stdout, saved.stdout, "saved once");

  writeFileSync(join(root, "bucket", readdirSync(join(root, "bucket"))[0]!), "cut");
  const cut = await run(root, "snapshot-verify --name mine --s3");
  assert.equal(cut.code, 1);
  assert.match(
    cut.stderr,
    /whole on this node, but its copy is not confirmed in S3 \(bucket b at 192\.0\.2\.9:9000\): it has 3 bytes there/,
  );
});

test("S25 a server that never had the snapshot says so, and a damaged one is an error", async () => {
  const root = server("none");
  const absent = await run(root, "snapshot-verify --name mine");
  assert.deepEqual([absent.code, JSON.parse(absent.stdout)], [0, { name: "mine", missing: true }]);
  await run(root, "snapshot-save --name mine --keep-token");
  writeFileSync(join(root, kept, "mine"), "cut");
  const damaged = await run(root, "snapshot-verify --name mine");
  assert.equal(damaged.code, 1);
  assert.match(damaged.stderr, /the snapshot mine has sha256/);
});

for (const [state, reason] of [
  ["down", /connect: connection refused/],
  ["cut", /it is not in the list of the bucket/],
] as const) {
  test(`S30 S3 is ${state}: the step fails and says what to do, the snapshot stays here, the next run takes it`, async () => {
    const root = server(state);
    const failed = await run(root, save);
    assert.equal(failed.code, 1);
    assert.match(
      failed.stderr,
      /mine is saved on this node with its token \(\S+\/mine\), but it is not in S3 \(bucket b/,
    );
    assert.match(failed.stderr, reason);
    assert.match(failed.stderr, /correct backup\.s3, s3AccessKey and s3SecretKey, and run again/);
    assert.doesNotMatch(failed.stderr, new RegExp(secretKey));
    assert.ok(existsSync(join(root, kept, "mine")) && existsSync(join(root, kept, "mine.token")));
    assert.equal(readdirSync(join(root, snapshots)).length, 1);
    assert.equal((await run(root, "snapshot-verify --name mine")).code, 0, "and it is whole");

    setS3(root, "ok");
    const { code, stdout, stderr } = await run(root, save);
    assert.equal(code, 0, stderr);
    assert.match(JSON.parse(stdout).s3, /^s3:/);
    assert.equal(readdirSync(join(root, snapshots)).length, 1, "the first try is not left over");
  });
}

test("M4 a snapshot before a change does not wait for S3", async () => {
  const root = server("down");
  const { code, stderr } = await functions(
    "export K3S_NODE_ROOT; mkdir -p $STATE; ETCD_REVISION=1; keep_snapshot before-x yes; [[ -s $SAVED ]]; drop_snapshot before-x",
    [],
    root,
  );
  assert.equal(code, 0, stderr);
  const [save, remove, ...more] = calls(root);
  assert.equal(save, "etcd-snapshot save --name before-x --etcd-s3=false");
  assert.match(remove!, /^etcd-snapshot delete --etcd-s3=false before-x-server-1-\d+$/);
  assert.deepEqual(more, []);
});

test("P5 k3s saves one snapshot at a time: another one is waited for", async () => {
  const root = server("none");
  writeFileSync(join(root, "busy"), "");
  const { code, stderr } = await run(root, "snapshot-save --name mine");
  assert.equal(code, 0, stderr);
  assert.match(stderr, /k3s saves another snapshot at this moment; waiting for it/);
});

test("P5 deleting takes the snapshot from here and from S3, and says when it cannot", async () => {
  const root = server("ok");
  await run(root, save);
  await run(root, "snapshot-save --name other --s3");
  assert.equal((await run(root, "snapshot-delete --name mine")).code, 0);
  assert.deepEqual(
    readdirSync(join(root, "bucket")).map((name) => name.slice(0, 5)),
    ["other"],
  );
  setS3(root, "down");
  const { code, stderr } = await run(root, "snapshot-delete --name other");
  assert.equal(code, 0);
  assert.match(
    stderr,
    /warning: s3:\/\/b\/other-\S+ could not be deleted: .*connection refused.*Delete it there/,
  );
  assert.deepEqual(readdirSync(join(root, snapshots)), []);
  assert.deepEqual(readdirSync(join(root, kept)), []);
});

test("S30 the newest snapshots here and in S3 are reported, and why S3 cannot be asked", async () => {
  const root = server("ok");
  const report = async () => {
    const { code, stdout, stderr } = await run(root, "backups --name server-1 --s3");
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout) as Record<string, { name: string; createdAt: string } | null>;
  };
  const empty = await report();
  assert.deepEqual([empty.here, empty.away, empty.problem], [null, null, null]);
  for (const seconds of [1700000000, 1700000060]) {
    writeFileSync(join(root, snapshots, `etcd-snapshot-server-1-${seconds}`), "x");
  }
  writeFileSync(join(root, "bucket/etcd-snapshot-server-2-1700000030"), "xy");
  const found = await report();
  assert.equal(found.here?.name, "etcd-snapshot-server-1-1700000060");
  assert.equal(found.here?.createdAt, "2023-11-14T22:14:20Z");
  assert.equal(found.away?.name, "etcd-snapshot-server-2-1700000030");
  setS3(root, "down");
  const down = await report();
  assert.match(String(down.problem), /^S3 \(bucket b at \S+\) cannot be asked: .*connection refused/);
  assert.doesNotMatch(String(down.problem), new RegExp(secretKey));
});
