import assert from "node:assert/strict";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import fc from "fast-check";
import { parse, parseAllDocuments, stringify } from "yaml";
import { changeFile, defaultFile } from "../../../ops/kubeconfig/file.ts";
import { type Entry, entryOf, merge } from "../../../ops/kubeconfig/merge.ts";
import { Refusal } from "../../../ops/refusal.ts";

const root = mkdtempSync(join(tmpdir(), "homelab-kubeconfig-"));
after(() => rmSync(root, { recursive: true, force: true }));

const entry: Entry = {
  name: "homelab",
  cluster: { server: "https://192.0.2.10:6443", "certificate-authority-data": "T1VSLUNB" },
  user: { "client-certificate-data": "Q0VSVA==", "client-key-data": "S0VZ" },
};
const gentle = { use: false, replace: false };

/** Files that people have. */
const corpus: Readonly<Record<string, string>> = {
  "other users and an exec plugin": `apiVersion: v1
kind: Config
current-context: work
clusters:
- cluster: {server: "https://work.example.org", certificate-authority: /etc/work-ca.pem}
  name: work
contexts:
- context: {cluster: work, user: me@work, namespace: team-a}
  name: work
users:
- name: me@work
  user:
    exec:
      apiVersion: client.authentication.k8s.io/v1
      command: aws
      args: [eks, get-token, --cluster-name, work]
      env: [{name: AWS_PROFILE, value: "0123"}]
      interactiveMode: IfAvailable
`,
  "comments, anchors and folded texts": `# mine, do not touch
kind: Config
apiVersion: v1
clusters:
  # the old one
  - name: old   # still needed
    cluster: &c
      server: https://old.example.org
      certificate-authority-data: >-
        T0xE
        LUNB
  - name: alias
    cluster: *c
users: []
contexts: []
current-context: ""
extensions:
  - name: tool
    extension: {seen: 2020-01-01, on: yes, off: 012}
`,
  "nulls, as kubectl config leaves them": `apiVersion: v1
clusters: null
contexts: null
current-context: ""
kind: Config
preferences: {}
users: null
`,
  JSON: JSON.stringify({
    kind: "Config",
    apiVersion: "v1",
    clusters: [{ name: "j", cluster: { server: "https://j" } }],
    users: [],
    contexts: [],
  }),
  "Windows line ends":
    "apiVersion: v1\r\nkind: Config\r\nclusters:\r\n- name: win\r\n  cluster:\r\n    server: https://win\r\nusers: []\r\ncontexts: []\r\n",
  "a leading document mark": "---\napiVersion: v1\nkind: Config\nclusters: []\nusers: []\ncontexts: []\n",
};

/** Everything of a file but our entry. */
function others(text: string): unknown {
  const value = (parse(text) ?? {}) as Record<string, unknown>;
  const rest = Object.fromEntries(
    Object.entries(value).map(([key, part]) => [
      key,
      Array.isArray(part) && /^(clusters|users|contexts)$/.test(key)
        ? part.filter((one: { name?: string }) => one.name !== entry.name)
        : part,
    ]),
  );
  const { clusters, users, contexts, ...plain } = rest as Record<string, unknown[]>;
  const { "current-context": _, ...kept } = plain;
  return { clusters: clusters ?? [], users: users ?? [], contexts: contexts ?? [], ...kept };
}

for (const [what, text] of Object.entries(corpus)) {
  test(`P4 ${what}: everything else is as it was, as parsed`, () => {
    const merged = merge(text, entry, gentle);
    assert.deepEqual(others(merged), others(text));
    const { clusters, users, contexts } = parse(merged) as Record<string, { name: string }[]>;
    const ours = [clusters, users, contexts].map((list) => list!.filter(({ name }) => name === entry.name));
    assert.deepEqual(ours, [
      [{ name: "homelab", cluster: entry.cluster }],
      [{ name: "homelab", user: entry.user }],
      [{ name: "homelab", context: { cluster: "homelab", user: "homelab" } }],
    ]);
    assert.equal(merge(merged, entry, gentle), merged, "merged again, it is the same text");
  });
}

test("P4 comments stay where they are", () => {
  const merged = merge(corpus["comments, anchors and folded texts"]!, entry, gentle);
  for (const comment of ["# mine, do not touch", "# the old one", "# still needed"])
    assert.ok(merged.includes(comment), merged);
});

test("P4 the current context is left alone, unless there is none or it is asked for", () => {
  const current = (text: string, use = false) =>
    (parse(merge(text, entry, { ...gentle, use })) as Record<string, string>)["current-context"];
  const work = corpus["other users and an exec plugin"]!;
  assert.equal(current(work), "work");
  assert.equal(current(work, true), "homelab");
  assert.equal(current(corpus["nulls, as kubectl config leaves them"]!), "homelab");
  assert.equal(current(""), "homelab");
});

test("P4 after a rotation our entry is refreshed, and its owner's namespace stays", () => {
  const first = merge("", entry, gentle).replace(
    "user: homelab\n",
    "user: homelab\n      namespace: games\n",
  );
  const rotated = { ...entry, user: { ...entry.user, "client-key-data": "TkVX" } };
  const { users, contexts } = parse(merge(first, rotated, gentle)) as Record<string, object[]>;
  assert.deepEqual(users, [{ name: "homelab", user: rotated.user }]);
  assert.deepEqual(contexts, [
    { name: "homelab", context: { cluster: "homelab", user: "homelab", namespace: "games" } },
  ]);
});

test("P4 a name that is another cluster's is refused, and replaced only when told to", () => {
  const theirs = merge(
    "",
    { ...entry, cluster: { server: "https://x", "certificate-authority-data": "VEhFSVJT" } },
    gentle,
  );
  assert.throws(
    () => merge(theirs, entry, gentle),
    /a cluster, a user, a context homelab that is not of this cluster/,
  );
  const replaced = parse(merge(theirs, entry, { ...gentle, replace: true })) as { clusters: object[] };
  assert.deepEqual(replaced.clusters, [{ name: "homelab", cluster: entry.cluster }]);
});

test("P4 what is no single kubeconfig is refused, and says why", () => {
  const refused: [string, RegExp][] = [
    ["kind: Config\n---\nkind: Config\n", /2 YAML documents/],
    ["a: [1\nb: 2", /not valid YAML \(\S+ at line \d/],
    ["- a\n- b\n", /wanted a mapping/],
    ["kind: Deployment\n", /found kind "Deployment"/],
    ["kind: Config\nclusters: {a: 1}\n", /clusters is not a list/],
    [stringify({ users: [{ name: "homelab" }, { name: "homelab" }] }), /there 2 times/],
  ];
  for (const [text, reason] of refused) {
    assert.throws(
      () => merge(text, entry, gentle),
      (error: Error) => error instanceof Refusal && reason.test(error.message),
      text,
    );
  }
});

test("P4 any kubeconfig keeps everything but our entry (property)", () => {
  const name = fc.constantFrom("a", "b", "c:d", "e f", "null", "1", "true");
  const item = (kind: string) =>
    fc.record({ name, [kind]: fc.dictionary(fc.constantFrom("server", "x", "y"), fc.jsonValue()) });
  const lists = (kind: string) => fc.uniqueArray(item(kind), { selector: (one) => one.name, maxLength: 4 });
  const file = fc.record({
    kind: fc.constant("Config"),
    clusters: lists("cluster"),
    users: lists("user"),
    contexts: lists("context"),
    extra: fc.jsonValue(),
  });
  fc.assert(
    fc.property(file, (value) => {
      const text = stringify(value);
      assert.deepEqual(others(merge(text, entry, gentle)), others(text));
    }),
    { numRuns: 200 },
  );
});

test("P4 the stack's own kubeconfig is taken apart; anything else is refused without showing it", () => {
  const text = stringify({
    clusters: [{ name: "h", cluster: entry.cluster }],
    users: [{ name: "h", user: entry.user }],
  });
  assert.deepEqual(entryOf(text, "homelab"), entry);
  assert.throws(
    () => entryOf("clusters: []\nusers: [secret]", "homelab"),
    (error: Error) => !error.message.includes("secret"),
  );
});

const put = (name: string, text: string, mode = 0o644) => {
  const directory = mkdtempSync(join(root, "case-"));
  const file = join(directory, name);
  writeFileSync(file, text);
  chmodSync(file, mode);
  return { directory, file };
};

test("P4 a file is replaced at once, for its owner only, with the earlier one kept beside it", async () => {
  const { directory, file } = put("config", "before\n");
  const { changed, backup } = await changeFile(file, () => "after\n");
  assert.ok(changed);
  assert.equal(readFileSync(file, "utf8"), "after\n");
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.equal(readFileSync(backup!, "utf8"), "before\n");
  assert.equal(statSync(backup!).mode & 0o777, 0o600);
  assert.equal(readdirSync(directory).length, 2, "nothing else is left behind");
});

test("P4 what would not change is not written, and a change that throws loses nothing", async () => {
  const { directory, file } = put("config", "before\n");
  const untouched = statSync(file).mtimeMs;
  assert.equal((await changeFile(file, (text) => text)).changed, false);
  await assert.rejects(
    changeFile(file, () => {
      throw new Refusal("no");
    }),
    /no/,
  );
  assert.equal(statSync(file).mtimeMs, untouched);
  assert.deepEqual(readdirSync(directory), ["config"]);
});

test("P4 a symbolic link stays one, and a directory that is missing is made", async () => {
  const { directory, file } = put("real", "before\n");
  const link = join(directory, "config");
  symlinkSync("real", link);
  await changeFile(link, () => "after\n");
  assert.ok(lstatSync(link).isSymbolicLink());
  assert.equal(readFileSync(file, "utf8"), "after\n");
  const fresh = join(directory, "new", "dir", "config");
  await changeFile(fresh, (text) => `${text}made\n`);
  assert.equal(readFileSync(fresh, "utf8"), "made\n");
});

test("P4 a read-only file, a directory and a locked file are refused by name", async () => {
  const { file } = put("config", "before\n", 0o400);
  await assert.rejects(
    changeFile(file, () => "after\n"),
    /read-only/,
  );
  const { directory, file: other } = put("config", "before\n");
  mkdirSync(join(directory, "dir"));
  await assert.rejects(
    changeFile(join(directory, "dir"), () => "after\n"),
    /is not a file/,
  );
  writeFileSync(`${other}.lock`, "");
  await assert.rejects(
    changeFile(other, () => "after\n", 200),
    /config\.lock has been there/,
  );
  assert.equal(readFileSync(other, "utf8"), "before\n");
  assert.ok(existsSync(`${other}.lock`), "somebody else's lock stays");
});

test("P4 who comes while another tool writes waits for it", async () => {
  const { file } = put("config", "before\n");
  writeFileSync(`${file}.lock`, "");
  setTimeout(() => {
    writeFileSync(file, "theirs\n");
    rmSync(`${file}.lock`);
  }, 300);
  await changeFile(file, (text) => `${text}ours\n`);
  assert.equal(readFileSync(file, "utf8"), "theirs\nours\n");
});

test("P4 the file is the one that kubectl would write to", () => {
  assert.equal(defaultFile({ KUBECONFIG: ":/a/one:/b/two" }), "/a/one");
  assert.match(defaultFile({}), /\.kube\/config$/);
  assert.equal(parseAllDocuments(corpus.JSON!).length, 1);
});
