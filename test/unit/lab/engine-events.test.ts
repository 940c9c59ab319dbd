import assert from "node:assert/strict";
import { test } from "node:test";
import type { EngineEvent } from "@pulumi/pulumi/automation/index.js";
import { Board } from "../../../lab/board.ts";
import { applyEvent, placeOf, progressIn } from "../../../lab/engine-events.ts";

const nodes = ["server-1", "server-10", "agent-1"];
const urn = (name: string) => `urn:pulumi:lab::homelab-k3s::a$command:remote:Command::${name}`;

test("placeOf: a resource belongs to the node that it is named after", () => {
  assert.deepEqual(placeOf(urn("server-1-scripts"), nodes), { row: "server-1", what: "scripts" });
  assert.deepEqual(placeOf(urn("server-10"), nodes), { row: "server-10", what: "node" });
  assert.deepEqual(placeOf(urn("server-10-server"), nodes), { row: "server-10", what: "server" });
  assert.deepEqual(placeOf(urn("server-token"), nodes), { row: "cluster", what: "server-token" });
});

test("progressIn: the step or the message, without clock, name and colours", () => {
  const table: [string, string][] = [
    ["08:55:01 server-1: downloading k3s", "downloading k3s"],
    ["08:55:01 server-1: step: start begin\n", "start"],
    ["<{%reset%}>step: start begin<{%reset%}>", "start"],
    ["step: start end", ""],
  ];
  for (const [message, expected] of table) assert.equal(progressIn(message), expected);
});

function event(part: object): EngineEvent {
  return { sequence: 0, timestamp: 0, ...part } as EngineEvent;
}
const step = (op: string, name: string, custom = true) => ({
  metadata: { op, urn: urn(name), type: "command:remote:Command", new: { custom } },
});

test("applyEvent: begin, progress, end; unchanged and components do no work", () => {
  const board = new Board(nodes);
  const feed = (part: object, at: number) => applyEvent(board, nodes, event(part), at);
  feed({ resourcePreEvent: step("create", "server-1", false) }, 0);
  feed({ resourcePreEvent: step("create", "server-1-server") }, 10);
  feed(
    { diagnosticEvent: { urn: urn("server-1-server"), severity: "info#err", message: "step: join begin" } },
    20,
  );
  assert.equal(board.row("server-1").said, "join");
  feed({ resOutputsEvent: step("create", "server-1-server") }, 30);
  feed({ resourcePreEvent: step("same", "agent-1-agent") }, 40);
  feed({ resOutputsEvent: step("same", "agent-1-agent") }, 50);
  feed({ resourcePreEvent: step("update", "server-10-server") }, 60);
  feed({ resOpFailedEvent: step("update", "server-10-server") }, 70);
  assert.deepEqual(
    board.rows.map((row) => [row.name, row.state, row.spans]),
    [
      ["server-1", "done", [{ what: "server", from: 10, to: 30 }]],
      ["server-10", "failed", [{ what: "server", from: 60, to: 70 }]],
      ["agent-1", "unchanged", []],
    ],
  );
});
