import assert from "node:assert/strict";
import { test } from "node:test";
import { shortProblem } from "../../../lab/problem.ts";

test("a step that failed: the last words of the node, each once", () => {
  const message = `Process exited with status 1: running "bash .homelab-k3s/node/k3s-node server":
09:43:23 server-1: step: start begin
09:44:03 server-1:   journal: Error: unknown flag
09:44:03 server-1:   journal: Error: unknown flag
09:44:03 server-1: undoing: k3s.service ended 4 times
09:44:04 server-1: undone: /usr/local/bin/k3s removed
09:44:04 server-1: error: k3s.service ended 4 times
update failed`;
  assert.equal(
    shortProblem(message),
    `09:44:03 server-1:   journal: Error: unknown flag
09:44:04 server-1: undone: /usr/local/bin/k3s removed
09:44:04 server-1: error: k3s.service ended 4 times`,
  );
});

test("a machine that cannot be reached: the explanation without the command that found it", () => {
  const message = `exit status 1: running "sh components/run.sh components/local-preflight.ts # for 3f2a91c07d1e":
server-1 (root@192.0.2.1:22): port 22 is closed
  found:  connect ECONNREFUSED
update failed`;
  assert.equal(
    shortProblem(message),
    "server-1 (root@192.0.2.1:22): port 22 is closed\n  found:  connect ECONNREFUSED",
  );
});

test("anything else is shown as it is", () => assert.equal(shortProblem("no such lab"), "no such lab"));
