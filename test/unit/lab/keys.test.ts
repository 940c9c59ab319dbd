import assert from "node:assert/strict";
import { test } from "node:test";
import ssh2 from "ssh2";
import { makeKeyPair } from "../../../lab/machines/keys.ts";

/** So many that a maker which damages one of 300 is caught all but surely. */
const many = 2_000;

test("every pair of keys can be read, and has both its halves whole", () => {
  for (let i = 0; i < many; i++) {
    const { privateKey, publicKey } = makeKeyPair();
    const key = ssh2.utils.parseKey(privateKey);
    assert.ok(!(key instanceof Error), String(key));
    const blob = Buffer.from(publicKey.split(" ")[1]!, "base64");
    assert.equal(blob.length, 4 + "ssh-ed25519".length + 4 + 32);
    assert.deepEqual(key.getPublicSSH(), blob);
  }
});
