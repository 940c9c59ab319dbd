import assert from "node:assert/strict";
import { test } from "node:test";
import { VerbError } from "../../../ops/answer.ts";

const ran = (code: number | null, stderr: string) =>
  new VerbError({ node: "server-2", reached: true, code, stdout: "", stderr });

test("why a verb failed: its last complaint, its exit code, or the machine that went away", () => {
  const said = "12:00:00 server-2: draining\n12:00:09 server-2: refused: two voters are sick\n";
  assert.equal(ran(3, said).message, "server-2: two voters are sick");
  assert.equal(ran(7, "").message, "server-2: it ended with exit code 7");
  // what it was doing is no complaint
  assert.match(
    ran(null, "12:00:00 server-2: draining\n").message,
    /^server-2: the connection to it was lost: /,
  );
});
