import assert from "node:assert/strict";
import { test } from "node:test";
import { compare } from "../../../lab/oracle.ts";

test("K5 by UID: what was there is back, what came later is gone, and a namesake is not the same object", () => {
  const snapshot = new Map([
    ["ConfigMap default/kept", "1"],
    ["ConfigMap default/deleted-later", "2"],
    ["ConfigMap default/remade-later", "3"],
    ["ConfigMap default/lost", "4"],
    ["ConfigMap default/remade-by-restore", "5"],
  ]);
  const later = new Map([...snapshot, ["ConfigMap default/new", "6"], ["ConfigMap default/new-too", "7"]]);
  later.delete("ConfigMap default/deleted-later");
  later.set("ConfigMap default/remade-later", "8");
  const now = new Map(snapshot);
  now.delete("ConfigMap default/lost");
  now.set("ConfigMap default/remade-by-restore", "9");
  now.set("ConfigMap default/new-too", "7");
  now.set("ConfigMap default/made-by-the-cluster", "10");
  assert.deepEqual(compare(snapshot, later, now), {
    back: ["ConfigMap default/kept", "ConfigMap default/deleted-later", "ConfigMap default/remade-later"],
    missing: ["ConfigMap default/lost", "ConfigMap default/remade-by-restore"],
    gone: ["ConfigMap default/remade-later", "ConfigMap default/new"],
    left: ["ConfigMap default/new-too"],
  });
});
