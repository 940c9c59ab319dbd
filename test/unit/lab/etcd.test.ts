import assert from "node:assert/strict";
import { test } from "node:test";
import { holdersOf, parseMembers } from "../../../measure/etcd.ts";

test("parseMembers: names without k3s' suffix, the leader, learners and members that never started", () => {
  const list = JSON.stringify({
    members: [
      { ID: "16276945212083541233", name: "server-2-1a2b3c4d", isLearner: true },
      { ID: "10501334649042878790", name: "server-1-00ff00ff" },
      { ID: "3" },
    ],
  });
  assert.deepEqual(parseMembers(list, JSON.stringify({ leader: "10501334649042878790" })), [
    { id: "3", name: "", voter: false, leader: false },
    { id: "91bc3c398fb3c146", name: "server-1", voter: true, leader: true },
    { id: "e1e3536e72bc14f1", name: "server-2", voter: false, leader: false },
  ]);
});

test("holdersOf: only who carries the address, and a machine that is off carries nothing", async () => {
  const shell = (name: string, exec: () => Promise<{ code: number; stdout: string; stderr: string }>) => ({
    name,
    exec,
  });
  const servers = [
    shell("server-1", async () => ({ code: 0, stdout: "", stderr: "" })),
    shell("server-2", async () => ({
      code: 0,
      stdout: "2: host0 inet 10.87.0.10/32 scope global",
      stderr: "",
    })),
    shell("server-3", async () => Promise.reject(new Error("off"))),
  ];
  assert.deepEqual(await holdersOf("10.87.0.10", servers), ["server-2"]);
});
