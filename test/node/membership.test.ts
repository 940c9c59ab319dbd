import assert from "node:assert/strict";
import { lstatSync, mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { filesOf, same, treeOf } from "./laid.ts";
import { emptyRoot, functions, put } from "./shell.ts";

/** Asks whether all voters answer; the machine at 192.0.2.12 is dead. */
const ask = (members: readonly string[], stale = "") =>
  functions(
    `tcp_probe() { REPLY=open; [[ $1 != 192.0.2.12 ]] || REPLY=unknown; }
     VOTERS_RETURN=0 PEER_MEMBERS=("$@") STALE=(${stale})
     all_voters_answer && echo all`,
    members,
  );

test("S23 S25 who wants to join while a voter is dead is told which one, and is refused", async () => {
  const { code, stdout, stderr } = await ask([
    "a1 server-1-00000001 0 192.0.2.11",
    "a2 server-2-00000002 0 192.0.2.12",
  ]);
  assert.equal(code, 3);
  assert.equal(stdout, "");
  assert.match(stderr, /does not answer: server-2-00000002 at 192\.0\.2\.12\..*lost: true/);
});

test("S18 S25 a learner, and what this node's own earlier life left, stop nobody", async () => {
  const members = ["a1 server-1-00000001 0 192.0.2.11", "a2 server-2-00000002 1 192.0.2.12"];
  assert.equal((await ask(members)).stdout, "all\n");
  const own = "a2 server-2-00000002 0 192.0.2.12";
  assert.equal((await ask([members[0]!, own], `"${own}"`)).stdout, "all\n");
});

/** What a node with etcd data of its own will do, where a living server lists these members. */
const chosen = async (members: readonly string[]) => {
  const { stdout, stderr } = await functions(
    `is_voter_now() { return 1; }; halted_for() { REPLY=""; }; all_voters_answer() { :; }; say() { :; }
     own_member_name() { REPLY=server-3-00000003; }
     ask_peers() { LIVING=(https://192.0.2.11:6443) PEER_MEMBERS=("\${listed[@]}"); }
     listed=("$@") ETCD_HERE=yes TAKING="" ARG=([name]=server-3 [address]=192.0.2.13)
     choose_membership && echo "$MEMBERSHIP"`,
    members,
  );
  assert.equal(stderr, "");
  return stdout.trim();
};

test("S16 data of a member that the cluster does not list is set aside, but not while this node is joining", async () => {
  const first = "a1 server-1-00000001 0 192.0.2.11";
  assert.equal(await chosen([first]), "rejoin");
  assert.equal(await chosen([first, "a3 server-3-00000003 0 192.0.2.13"]), "member");
  assert.equal(await chosen([first, "a3 - 1 192.0.2.13"]), "member");
  assert.equal(await chosen([first, "a2 - 1 192.0.2.12"]), "rejoin");
});

for (const elsewhere of [false, true]) {
  test(`F7 S16 data of a removed member come back when the join fails, ${elsewhere ? "on the disk that a link leads to" : "in one rename"}`, async () => {
    const root = emptyRoot();
    const etcd = "var/lib/rancher/k3s/server/db/etcd";
    if (elsewhere) {
      for (const path of ["ssd/etcd/lost+found", join(etcd, "..")])
        mkdirSync(join(root, path), { recursive: true });
      symlinkSync(join(root, "ssd/etcd"), join(root, etcd));
    }
    put(root, `${etcd}/member/wal/0.wal`, "old");
    put(root, `${etcd}/name`, "server-1-00000001");
    put(root, "var/lib/rancher/k3s/server/cred/passwd", "old");
    const before = treeOf(root);
    const run = (then: string) =>
      functions(
        `systemctl() { :; }; begin_verb server; UNIT=k3s.service; set_data_aside
         mkdir -p "$ETCD_DATA/member/wal"; echo new >"$ETCD_DATA/member/wal/0.wal"; echo new >"$ETCD_DATA/name"; ${then}`,
        [],
        root,
      );
    await run("kill -9 $$");
    const { stderr } = await run("die no luck");
    assert.match(stderr, /db\/etcd is again as it was/);
    same(treeOf(root), before);
    await run('rm -rf -- "$REMOVED_MEMBER"; finish_step ok');
    const files = filesOf(treeOf(root));
    assert.match(files[elsewhere ? "ssd/etcd/name" : `${etcd}/name`]!, / new\n$/);
    assert.equal(lstatSync(join(root, etcd)).isSymbolicLink(), elsewhere);
  });
}
