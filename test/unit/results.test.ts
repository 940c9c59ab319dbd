import assert from "node:assert/strict";
import { test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { forPerson } from "../../components/node-step.ts";
import { readBackups, readVerified } from "../../components/results.ts";

test("an answer that cannot be understood is one line for a person: node, cause, the way on", () => {
  const configured = { servers: ["server-1"], agents: [] };
  const said = (stdout: string) => {
    try {
      return forPerson(() => readVerified("server-1", configured, stdout));
    } catch (error) {
      assert.ok(pulumi.RunError.isInstance(error)); // Pulumi prints no stack of it
      return (error as Error).message;
    }
  };
  assert.match(
    String(said("welcome to server-1\n{}")),
    /^server-1: verify answered with something that is not JSON\. .* then run again\.$/,
  );
  assert.match(
    String(said("{}")),
    /^server-1: verify answered with unexpected voters, nodes\. Run again; .*on server-1 say more\.$/,
  );
  const moment = "2026-03-01T12:00:00Z";
  const report = { node: "b", at: moment, since: moment, here: null, away: null, problem: null };
  assert.throws(
    () => readBackups("a", JSON.stringify(report)),
    /^Error: a: backups answered for another node\. Run again; /,
  );
});
