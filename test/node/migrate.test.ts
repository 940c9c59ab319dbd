import assert from "node:assert/strict";
import { test } from "node:test";
import { emptyRoot, functions, replies } from "./shell.ts";

test("H2: versions that cannot move SQLite to etcd are known", async () => {
  const rows = {
    "v1.21.14+k3s1": "old",
    "v1.22.1+k3s1": "old",
    "v1.22.2+k3s1": "good",
    "v1.30.12+k3s1": "good",
    "v1.30.13+k3s1": "broken",
    "v1.30.14+k3s1": "good",
    "v1.31.9+k3s1": "broken",
    "v1.31.10+k3s1": "good",
    "v1.32.5+k3s1": "broken",
    "v1.32.6+k3s1": "good",
    "v1.33.1+k3s1": "broken",
    "v1.33.2+k3s1": "good",
    "v1.34.2+k3s1": "good",
    "v2.0.0+k3s1": "good",
    "": "old",
  };
  const answers = await replies(
    "decide_migration",
    Object.keys(rows).map((version) => [version]),
  );
  assert.deepEqual(answers, Object.values(rows));
});

test("S16: a migration that was interrupted goes on from what is there", async () => {
  const rows = [
    // open, state.db, service active, database copied
    ["none", "yes", "yes", "no", "begin"],
    ["adopt", "yes", "yes", "no", "begin"],
    ["adopt", "yes", "yes", "yes", "begin"],
    ["adopt", "yes", "no", "no", "copy"],
    ["adopt", "yes", "no", "yes", "move"],
    ["adopt", "no", "yes", "yes", "moved"],
    ["adopt", "no", "no", "yes", "moved"],
  ];
  const answers = await replies(
    "decide_resume",
    rows.map((row) => row.slice(0, -1)),
  );
  assert.deepEqual(
    answers,
    rows.map((row) => row.at(-1)),
  );
});

/** A range response of etcd, as curl leaves it: the frame's head, the header, then a key with its value each. */
function answer(pairs: Readonly<Record<string, string>>): Buffer {
  const varint = (value: number): number[] =>
    value < 128 ? [value] : [(value & 127) | 128, ...varint(value >> 7)];
  const field = (tag: number, content: Buffer) =>
    Buffer.concat([Buffer.from([tag, ...varint(content.length)]), content]);
  const kvs = Object.entries(pairs).map(([key, value]) =>
    field(
      0x12,
      Buffer.concat([
        field(0x0a, Buffer.from(key)),
        Buffer.from([0x10, 5, 0x18, 9, 0x20, 1]),
        ...(value ? [field(0x2a, Buffer.from(value))] : []),
      ]),
    ),
  );
  return Buffer.concat([Buffer.from([0, 0, 0, 0, 0]), field(0x0a, Buffer.from([0x18, 7])), ...kvs]);
}

const listed = async (pairs: Readonly<Record<string, string>>): Promise<string[]> => {
  const body = answer(pairs).toString("base64");
  const { stdout } = await functions(
    `STATE=$PWD; grpc_to() { base64 -d <<<"$BODY" >"$1.body"; }; BODY=$1
     list_keys kine keys; while read -r line; do pb_text "$line"; echo "$REPLY"; done <keys`,
    [body],
    emptyRoot(),
  );
  return stdout.trim().split("\n").filter(Boolean);
};

test("H2: keys are told from values", async () => {
  const long = `/registry/configmaps/default/${"x".repeat(200)}`;
  assert.deepEqual(
    await listed({
      "/registry/secrets/default/a": "k8s\0/registry/secrets/default/not-a-key\x10",
      "/registry/configmaps/default/b.c-d": "",
      [long]: 'json {"path":"/registry/pods/x"}',
    }),
    ["/registry/configmaps/default/b.c-d", long, "/registry/secrets/default/a"],
  );
});

test("H2: an object that is missing is named, what comes and goes by itself is not", async () => {
  const hex = (key: string) => Buffer.from(key).toString("hex");
  const before = ["configmaps/a", "events/default/e", "leases/kube-node-lease/n", "masterleases/1", "pods/p"];
  const lines = before.map((key) => hex(`/registry/${key}`)).sort();
  const after = lines.filter((line) => line === hex("/registry/pods/p"));
  const { stdout } = await functions('missing_keys <(printf "%s" "$1") <(printf "%s" "$2")', [
    `${lines.join("\n")}\n`,
    `${after.join("\n")}\n`,
  ]);
  assert.deepEqual(stdout.trim(), hex("/registry/configmaps/a"));
});

test("H2 S16 an old k3s that is starting, as after a power cut, is waited for; one that stands still is named", async () => {
  const problems = async (states: string) => {
    const { stdout } = await functions(
      `POLL=0 OLD_UNIT=k3s.service VERSION_FOUND=v1.34.2+k3s1 ETCD_HERE=no; states=(${states})
      service_state() { STATE_WORD=\${states[0]}; states=("\${states[@]:1}"); }
      mkdir -p "\${SQLITE%/*}" "$STATE"; problems_of_migrating; printf '%s\\n' "\${PROBLEMS[@]}"`,
    );
    return stdout.trim();
  };
  assert.equal(await problems("activating activating active"), "");
  assert.match(await problems("activating other"), /not running \(k3s\.service is other\)/);
});
