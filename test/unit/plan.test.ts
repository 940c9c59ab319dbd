import assert from "node:assert/strict";
import { test } from "node:test";
import { abandonsData, appliedOf, lowered, refusalOf } from "../../config/applied.ts";
import { parseCluster } from "../../config/parse.ts";
import { plan } from "../../config/plan.ts";
import { exampleInput, nodeInput, serverInputs } from "./example.ts";

const applied = (more: Record<string, unknown> = {}) => {
  const { config, problems } = parseCluster(exampleInput(more));
  assert.deepEqual(problems, []);
  return appliedOf(config!);
};

test("nothing changed: nothing is said", () => {
  assert.deepEqual(plan(applied(), applied()), []);
  assert.deepEqual(plan(applied(), applied({ snapshots: ["one"] })), []);
});

test("a new stack: founded, joined, with the voters that there are afterwards", () => {
  assert.deepEqual(plan(undefined, applied()), [
    "server-1: founds the cluster; afterwards 1 voter, quorum 1",
    "server-2: joins as a server; afterwards 2 voters, quorum 2",
    "server-3: joins as a server; afterwards 3 voters, quorum 2",
    "agent-1: joins as an agent",
  ]);
});

test("H3 what becomes of a part-time agent happens when it is on", () => {
  const tower = { agents: [nodeInput("tower", "198.51.100.1", { partTime: true })] };
  const none = { agents: [] };
  assert.deepEqual(plan(applied(none), applied(tower)), ["tower: joins as an agent, when it is on"]);
  assert.equal(
    plan(applied(tower), applied({ ...tower, version: "v1.34.11+k3s1" }))[3],
    "tower: v1.34.2+k3s1 -> v1.34.11+k3s1, restart, when it is on",
  );
  assert.deepEqual(plan(applied(tower), applied(none)), [
    "tower: leaves the cluster, k3s is removed, when it is on",
  ]);
});

test("an upgrade by a minor drains; one by a patch does not", () => {
  const minor = plan(applied(), applied({ version: "v1.35.8+k3s1" }));
  assert.equal(
    minor[1],
    "server-2: v1.34.2+k3s1 -> v1.35.8+k3s1, drain, restart; 2 of 3 voters meanwhile, quorum 2",
  );
  assert.equal(minor[3], "agent-1: v1.34.2+k3s1 -> v1.35.8+k3s1, drain, restart");
  const patch = plan(applied(), applied({ version: "v1.34.11+k3s1" }));
  assert.equal(
    patch[0],
    "server-1: v1.34.2+k3s1 -> v1.34.11+k3s1, restart; 2 of 3 voters meanwhile, quorum 2",
  );
});

test("a changed setting names the flag, on the servers only", () => {
  const lines = plan(applied(), applied({ tlsSans: ["k3s.example.org"] }));
  assert.equal(lines.length, 3);
  assert.match(lines[0]!, /^server-1: tls-san \S+ -> \S*k3s\.example\.org\S*, restart; 2 of 3 voters/);
});

test("P5: rotations are named, agents only where they concern them", () => {
  const now = applied({ rotate: { serverToken: 1, encryptionKeys: 2, certificates: 1 } });
  const lines = plan(applied({ rotate: { encryptionKeys: 1 } }), now);
  assert.equal(
    lines[0],
    "server-1: new server token, new encryption keys, new certificates, restart; 2 of 3 voters meanwhile, quorum 2",
  );
  assert.equal(lines[3], "agent-1: new certificates, restart");
  assert.equal(plan(applied(), applied({ rotate: { serverToken: 1 } })).length, 3);
});

test("P5: a counter that is set back is named", () => {
  const [low, high] = [applied({ rotate: { agentToken: 1 } }), applied({ rotate: { agentToken: 2 } })];
  assert.deepEqual(lowered(high, low), ["rotate.agentToken 2 -> 1"]);
  assert.deepEqual([lowered(low, high), lowered(high, high), lowered(undefined, low)], [[], [], []]);
});

test("a single server says that the API is away", () => {
  const one = { servers: serverInputs(1), agents: [] };
  const lines = plan(applied(one), applied({ ...one, version: "v1.34.11+k3s1" }));
  assert.match(lines[0]!, /the only voter: the API is away meanwhile$/);
});

test("agents become servers and back, and nodes that are dropped go last", () => {
  const [first, second] = [nodeInput("agent-1", "192.0.2.21"), nodeInput("agent-2", "192.0.2.22")];
  const five = applied({ servers: [...serverInputs(3), first, second], agents: [] });
  const three = applied({ agents: [first, second] });
  const up = plan(three, five).filter((line) => line.includes("becomes"));
  assert.deepEqual(up, [
    "agent-1: becomes a server: is emptied, its agent removed, joins etcd; afterwards 4 voters, quorum 3",
    "agent-2: becomes a server: is emptied, its agent removed, joins etcd; afterwards 5 voters, quorum 3",
  ]);
  assert.match(plan(five, three).join("\n"), /agent-1: becomes an agent: leaves etcd.* afterwards 4 voters/);
  const dropped = plan(five, applied({ agents: [nodeInput("agent-9", "192.0.2.29")] }));
  assert.deepEqual(dropped.slice(-3), [
    "agent-9: joins as an agent",
    "agent-2: leaves etcd, k3s is removed; afterwards 4 voters, quorum 3",
    "agent-1: leaves etcd, k3s is removed; afterwards 3 voters, quorum 2",
  ]);
});

test("K5 a restore says what each node goes through, once for each id", () => {
  const restore = { id: "r1", snapshot: "nightly" };
  const lines = [
    "server-1: takes the data of the snapshot nightly; what was written since is gone; afterwards 1 voter, quorum 1",
    "server-2: is halted, its data are set aside, joins the restored cluster; afterwards 2 voters, quorum 2",
    "server-3: is halted, its data are set aside, joins the restored cluster; afterwards 3 voters, quorum 2",
    "agent-1: restarts",
  ];
  assert.deepEqual(plan(applied(), applied({ restore })), lines);
  assert.deepEqual(plan(applied({ restore }), applied({ restore })), []);
  assert.deepEqual(plan(applied({ restore }), applied()), []);
  assert.deepEqual(plan(applied({ restore }), applied({ restore: { ...restore, id: "r2" } })), lines);
  const fresh = plan(undefined, applied({ restore }));
  assert.equal(fresh[1], "server-2: joins the restored cluster; afterwards 2 voters, quorum 2");
});

test("H2: what may become of a k3s that is there already is said of new nodes only", () => {
  const [first, second, third] = serverInputs(3);
  const now = applied({
    servers: [{ ...first, existing: "adopt" }, second, { ...third, existing: "replace" }],
  });
  const lines = plan(undefined, now);
  assert.match(
    lines[0]!,
    /^server-1: a k3s that is there is taken over in place, .*; else founds the cluster/,
  );
  assert.match(
    lines[2]!,
    /^server-3: a k3s that is there is put aside; joins as a server; afterwards 3 voters/,
  );
  assert.deepEqual(plan(now, now), []);
});

test("a lost server is forgotten first, joins again when it is back, and is dropped without a run", () => {
  const [one, two, three] = serverInputs(3);
  const lost = applied({ servers: [one, two, { ...three, lost: true }] });
  assert.deepEqual(plan(applied(), lost), [
    "server-3: is lost: its member and Node are forgotten, the machine is not touched; afterwards 2 voters, quorum 2",
  ]);
  assert.deepEqual(plan(lost, lost), []);
  assert.deepEqual(plan(lost, applied()), ["server-3: joins as a server; afterwards 3 voters, quorum 2"]);
  assert.deepEqual(plan(lost, applied({ servers: [one, two, nodeInput("server-4", "192.0.2.14")] })), [
    "server-4: joins as a server; afterwards 3 voters, quorum 2",
    "server-3: was lost, its entry goes; nothing runs anywhere",
  ]);
});

test("S25 a stack that keeps none of its servers would found another cluster; a restore may", () => {
  const renamed = [1, 2, 3].map((i) => nodeInput(`new-${i}`, `192.0.2.${30 + i}`));
  const one = [...serverInputs(1), ...renamed.slice(1)];
  assert.ok(abandonsData(applied(), applied({ servers: renamed })));
  assert.ok(!abandonsData(applied(), applied({ servers: one })));
  assert.ok(!abandonsData(undefined, applied({ servers: renamed })));
  const restore = { id: "one", snapshot: "before" };
  assert.ok(!abandonsData(applied(), applied({ servers: renamed, restore })));
  const allLost = { servers: [{ ...serverInputs(1)[0], lost: true }, ...renamed.slice(1)] };
  assert.ok(
    abandonsData(applied({ servers: serverInputs(1), agents: [] }), applied({ ...allLost, agents: [] })),
  );
});

test("what a preview refuses says how to go on", () => {
  const restored = (snapshot: string, id = "r1") => applied({ restore: { id, snapshot } });
  assert.match(refusalOf(restored("early"), restored("late"))!, /r1: early -> late.*new id/);
  assert.equal(refusalOf(restored("early"), restored("late", "r2")), undefined);
  assert.equal(refusalOf(restored("early"), applied()), undefined);
  assert.match(
    refusalOf(applied({ rotate: { certificates: 2 } }), applied())!,
    /rotate\.certificates 2 -> 0/,
  );
  assert.equal(refusalOf(undefined, applied()), undefined);
});
