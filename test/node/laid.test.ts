import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { data, k3sRuns, lay, ofAgent, ofServer, ofUser, ownCa, same, treeOf } from "./laid.ts";
import { comesUp, files, laid, livingAgent, livingServer, prepared, stillOwn } from "./laid-nodes.ts";
import { functions, put } from "./shell.ts";

const agent = "etc/systemd/system/k3s-agent.service";

test("F7 S45 a founding or joining that is undone leaves the machine as it was, own CA and settings included", async () => {
  const root = prepared();
  const before = treeOf(root);
  const { stderr } = await comesUp(root, "die no luck");
  assert.match(stderr, /undone: the service, its data and its membership are gone; files that k3s did not/);
  same(treeOf(root), before);
});

test("F7 S16 S45 the same when the run that began was killed, and the next one fails", async () => {
  const root = prepared();
  const before = treeOf(root);
  await comesUp(root, "kill -9 $$");
  assert.notDeepEqual(treeOf(root), before);
  await comesUp(root, "die no luck");
  same(treeOf(root), before);
});

test("F7 what a user changes after a run that was refused is what the next one brings back", async () => {
  const root = prepared();
  const look = `begin_verb server; UNIT=k3s.service WANTED_CONFIG=x; observe_k3s; begin_new; refuse not yet`;
  assert.equal((await functions(look, [], root)).code, 3);
  lay(root, { [`${data}/server/tls/server-ca.crt`]: "another\n" });
  const before = treeOf(root);
  await comesUp(root, "die no luck");
  same(treeOf(root), before);
});

test("F7 an own CA, a config.yaml and a disk for snapshots are no k3s; certificates of k3s are", async () => {
  const root = prepared();
  lay(root, { "etc/rancher/k3s/config.yaml": "debug: true\n" });
  mkdirSync(join(root, data, "server/db/snapshots"), { recursive: true });
  const look = 'observe_k3s; echo "$ROLE $K3S_HERE $FRESH"';
  assert.equal((await functions(look, [], root)).stdout, "none no yes\n");
  put(root, `${data}/server/tls/client-admin.crt`, "");
  assert.equal((await functions(look, [], root)).stdout, "server yes no\n");
});

test("F7 a config.yaml that was here is put aside with a warning, and comes back when the run fails", async () => {
  const root = prepared();
  lay(root, { "etc/rancher/k3s/config.yaml": "debug: true\n" });
  const before = treeOf(root);
  const { stderr } = await comesUp(root, "die no luck");
  assert.match(
    stderr,
    /warning: \S+config\.yaml was here before the first run.*kept in \S+config\.yaml\.before/,
  );
  same(treeOf(root), before);
  const copy = join(root, "var/lib/homelab-k3s/config.yaml.before");
  assert.equal(readFileSync(copy, "utf8"), "debug: true\n");
});

/** The promotion of that agent as far as the first start of its server, and what follows. */
const promotion = (root: string, then: string) =>
  functions(
    `${k3sRuns}
     leave_again() { :; }
     begin_verb server
     UNIT=k3s.service WANTED_CONFIG=$'node-name: n\\n' TOKEN=token-of-servers MEMBERSHIP=join TAKING=""
     ARG[name]=n ARG[address]=192.0.2.11
     observe_k3s
     drain_own_pods() { :; }
     begin_new
     become_server
     find "$DATA" "$ROOT/var/lib/kubelet" "$ROOT/run" ! -type d >"$STATE/emptied"
     put_marker server
     put_unit server
     k3s_runs "$@"
     agent_again() { :; }
     ${then}`,
    [...ofAgent, ...ofServer],
    root,
  );

test("F7 M2 S45 an agent that becomes a server keeps its user's files, and loses what k3s wrote", async () => {
  const root = await livingAgent();
  await promotion(root, "forget_before; finish_step ok");
  const emptied = readFileSync(join(root, "var/lib/homelab-k3s/emptied"), "utf8").trim().split("\n").sort();
  const user = Object.keys({ ...ofUser, ...ownCa }).filter((path) =>
    /^(var\/lib\/rancher|var\/lib\/kubelet)/.test(path),
  );
  assert.deepEqual(emptied, user.map((path) => join(root, path)).sort());
  const after = files(root);
  for (const [path, what] of Object.entries(laid(ofUser))) assert.equal(after[path], what, path);
});

test("F7 M2 S45 one that could not become a server has them as they were, those that k3s wrote over included", async () => {
  const root = await livingAgent();
  const { stderr } = await promotion(root, "die no luck");
  assert.match(stderr, /undone: /);
  const mine = laid(ofUser, ownCa, { "etc/rancher/k3s/k3s.yaml": "a copy of the user's\n" });
  const k3s = [
    "etc/rancher/k3s/.homelab-k3s",
    "etc/rancher/k3s/config.yaml",
    "etc/rancher/node/password",
    agent,
  ];
  const after = files(root);
  assert.deepEqual(Object.keys(after).sort(), [...Object.keys(mine), ...k3s].sort());
  for (const [path, what] of Object.entries(mine)) assert.equal(after[path], what, path);
});

test("F7 M2 a server that becomes an agent keeps its user's files; the cluster's CA goes", async () => {
  const root = await livingServer();
  await functions(
    `${k3sRuns}
     begin_verb agent; VIA=""; observe_k3s; become_agent; forget_before; finish_step ok`,
    [],
    root,
  );
  const password = { "etc/rancher/node/password": "600 password" };
  same(files(root), { ...laid(ofUser, stillOwn), ...password });
});
