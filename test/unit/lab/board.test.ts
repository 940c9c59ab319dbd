import assert from "node:assert/strict";
import { test } from "node:test";
import { Board, duration } from "../../../lab/board.ts";
import { barLines, cut, liveLines } from "../../../lab/board-text.ts";
import { table } from "../../../lab/table.ts";

const look = { columns: 60, colour: false };

function chain(): Board {
  const board = new Board(["server-1", "server-2", "agent-1"]);
  board.begin("server-1", "server", 0);
  board.say("server-1", "start", 100);
  board.end("server-1", "server", 10_000);
  board.begin("server-2", "server", 10_000);
  return board;
}

test("board: one row a node, with its step and its seconds", () => {
  const board = chain();
  board.say("server-2", "join", 12_000);
  assert.deepEqual(liveLines(board, 12_500, look), [
    "  server-1  ✓  10.0 s  start",
    "  server-2  ⠴   2.5 s  server: join",
    "  agent-1   ·          waiting",
  ]);
});

test("board: a failure stays, whatever ends afterwards", () => {
  const board = chain();
  board.begin("server-2", "label", 11_000);
  board.end("server-2", "server", 12_000, true);
  board.end("server-2", "label", 13_000);
  assert.equal(board.row("server-2").state, "failed");
});

test("board: looked at and left alone is not done, and a row at work is not unchanged", () => {
  const board = chain();
  board.unchanged("agent-1");
  board.unchanged("server-2");
  assert.deepEqual(
    board.rows.map((row) => row.state),
    ["done", "running", "unchanged"],
  );
});

test("board: entries tell what happened once, for an output that is not redrawn", () => {
  const board = new Board(["server-1"]);
  board.begin("server-1", "server", 0);
  board.say("server-1", "start", 100);
  board.say("server-1", "start", 200);
  board.end("server-1", "server", 10_000);
  assert.deepEqual(
    board.entries.map((entry) => `${entry.at} ${entry.row} ${entry.text}`),
    ["0 server-1 server begins", "100 server-1 start", "10000 server-1 server done after 10.0 s"],
  );
});

test("bars: a chain looks like stairs, work at the same time like a block", () => {
  const board = chain();
  board.end("server-2", "server", 15_000);
  board.begin("agent-1", "copy", 15_000);
  board.end("agent-1", "copy", 16_000);
  board.begin("agent-1", "agent", 16_000);
  board.end("agent-1", "agent", 20_000);
  const bars = barLines(board, { columns: 42, colour: false });
  assert.deepEqual(bars, [
    "  server-1  ━━━━━━━━━━             10.0 s",
    "  server-2            ━━━━━         5.0 s",
    "  agent-1                  ─━━━━    5.0 s",
  ]);
});

test("cut: what does not fit ends in an ellipsis", () => {
  assert.deepEqual([cut("abcdef", 6), cut("abcdef", 4), cut("abcdef", 1)], ["abcdef", "abc…", ""]);
});

test("table: columns as wide as what is in them", () => {
  assert.deepEqual(table(["node", "role"], [["server-1", "voter"], ["n"]], look), [
    "  node       role",
    "  server-1   voter",
    "  n",
  ]);
});

test("duration: in the unit that a person would choose", () => {
  const table: [number, string][] = [
    [0, "0.0 s"],
    [12_340, "12.3 s"],
    [95_400, "95 s"],
    [1_050_000, "18 min"],
    [10_800_000, "3 h"],
  ];
  for (const [ms, text] of table) assert.equal(duration(ms), text);
});
