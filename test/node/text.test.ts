import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { emptyRoot, functions, replies, verb } from "./shell.ts";

/** What a process argument can hold. */
const words = fc.array(
  fc.string({ unit: "binary" }).filter((text) => !text.includes("\0")),
  {
    minLength: 1,
    maxLength: 40,
  },
);
const wellFormed = (text: string) => text.isWellFormed();

test("S38 any text becomes a JSON string that reads back as it was", async () => {
  await fc.assert(
    fc.asyncProperty(words, async (texts) => {
      const sent = texts.filter(wellFormed);
      fc.pre(sent.length > 0);
      const answers = await replies(
        "json_string",
        sent.map((text) => [text]),
      );
      assert.deepEqual(
        answers.map((answer) => JSON.parse(answer)),
        sent,
      );
    }),
    { numRuns: 10 },
  );
});

test("S38 hostile values are refused by the grammar of their flag, and nothing runs", async () => {
  const root = emptyRoot();
  const hostile = [
    ["--name", "kai;id"],
    ["--name", "$(id)"],
    ["--name", "-rf"],
    ["--name", "Kai"],
    ["--name", "kai\nid"],
    ["--address", "10.0.0.1`id`"],
    ["--version", "latest"],
    ["--version", "v1.34.2"],
    ["--sha256-amd64", "abc"],
    ["--mirror", "file:///etc/shadow"],
    ["--mirror", "https://host/$(id)"],
    ["--join", "https://10.0.0.1:6443/path"],
    ["--peer", "kai"],
    ["--peer", "kai=10.0.0.1;id"],
    ["--upload", "-o"],
    ["--deadline", "0"],
    ["--deadline", "1e9"],
  ];
  for (const pair of hostile) {
    const { code, stdout, stderr } = await verb(root, ["server", ...pair]);
    assert.equal(code, 2, pair.join(" "));
    assert.equal(stdout, "");
    assert.match(stderr, /is not a valid/);
  }
  assert.match(
    (await verb(root, ["server", "--force", "x"])).stderr,
    /--force is not known here; known are:/,
  );
  assert.match((await verb(root, ["server", "--name"])).stderr, /--name wants a value/);
  assert.match((await verb(root, ["server", "--name", "kai"])).stderr, /--address is missing/);
  assert.match((await verb(root, ["frobnicate"])).stderr, /is not a verb/);
});

test("S37 secrets never reach progress or the log", async () => {
  const { stderr, stdout } = await functions(
    `keep_secret "$1"; LOG_FILE=$K3S_NODE_ROOT/log; say "error: bad token $1 or K10${"ab".repeat(32)}::server:other"; cat "$LOG_FILE"`,
    ["s3cr&t*value"],
  );
  for (const text of [stderr, stdout]) {
    assert.match(text, /bad token \(secret\) or \(token\)$/m);
    assert.doesNotMatch(text, /s3cr|other/);
  }
});

test("standard input is a token and a configuration that leaves the joining to the node", async () => {
  const read = (stdin: string) =>
    functions(`read_input; printf '%s' "$TOKEN|$WANTED_CONFIG"`, [], emptyRoot(), stdin);
  assert.equal(
    (await read("token: abcdefgh\r\n---\r\nnode-name: kai\r\n")).stdout,
    "abcdefgh|node-name: kai\n",
  );
  for (const [stdin, text] of [
    ["", "must begin with 'token: '"],
    ["token: short\n---\n", "too short"],
    ["token: abcdefgh\nnode-name: kai\n", "must be '---'"],
    ["token: abcdefgh\n---\ncluster-init: true\n", "the node decides these itself"],
    ["token: abcdefgh\n---\nserver: https://x:6443\n", "the node decides these itself"],
  ] as const) {
    const { code, stderr } = await read(stdin);
    assert.equal(code, 2);
    assert.ok(stderr.includes(text), stderr);
    assert.ok(!stderr.includes("abcdefgh"), stderr);
  }
});

test("protobuf: 64-bit numbers survive, broken messages are refused", async () => {
  const numbers = ["0", "1", "7f", "80", "3fff", "deadbeefcafebabe", "ffffffffffffffff", "8000000000000000"];
  const { stdout } = await functions(
    `for n; do pb_varint $((16#$n)); pb_fields "08$REPLY" && printf '%s\\n' "\${FIELDS[0]#* }"; done`,
    numbers,
  );
  assert.deepEqual(stdout.trim().split("\n"), numbers);
  const broken = await functions(`for m; do pb_fields "$m" && echo "read $m"; done; true`, [
    "08",
    "0aff",
    "0a05abcd",
    "07",
    "08ffffffffffffffffffffff",
  ]);
  assert.equal(broken.stdout, "");
});

test("the members that a k3s server lists are read with all 64 bits and IPv6", async () => {
  const info = JSON.stringify({
    members: [
      {
        ID: "@",
        name: "kai-12345678",
        peerURLs: ["https://10.0.0.1:2380"],
        clientURLs: ["https://10.0.0.1:2379"],
      },
      { ID: 5, peerURLs: ["https://[fd00::1]:2380"], isLearner: true },
    ],
  }).replace('"@"', "16045690984503098046");
  const { stdout } = await functions(
    'cat >"$K3S_NODE_ROOT/info"; parse_db_info "$K3S_NODE_ROOT/info"',
    [],
    emptyRoot(),
    info,
  );
  assert.equal(stdout, "deadbeefcafebabe kai-12345678 0 10.0.0.1\n5 - 1 fd00::1\n");
});

test("P4 the kubeconfig gets the endpoint's URL and a name of its own, and nothing else changes", async () => {
  const original = `apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: ZGVmYXVsdA==
    server: https://127.0.0.1:6443
  name: default
contexts:
- context:
    cluster: default
    user: default
  name: default
current-context: default
kind: Config
users:
- name: default
  user:
    client-key-data: ZGVmYXVsdA==
`;
  const { stdout } = await functions(
    "rename_kubeconfig https://192.0.2.10:6443 attic",
    [],
    emptyRoot(),
    original,
  );
  assert.equal(
    stdout,
    original.replace("https://127.0.0.1:6443", "https://192.0.2.10:6443").replace(/: default$/gm, ": attic"),
  );
});
