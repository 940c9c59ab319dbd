import assert from "node:assert/strict";
import { test } from "node:test";
import { changedIn, emptied } from "../../../lab/engine.ts";

test("what was only looked at is no change", () => {
  assert.equal(changedIn({ same: 40, read: 1 }), 0);
  assert.equal(changedIn({ same: 40, update: 2, create: 1, delete: 1 }), 4);
});

test("an `up` that deleted everything and kept only the stack was no `up` of this program", () => {
  assert.ok(emptied({ same: 1, delete: 39 }));
  assert.ok(!emptied({ same: 36, delete: 4 }));
  assert.ok(!emptied({ same: 1 }));
});
