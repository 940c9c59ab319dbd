import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { removeStaleLocks } from "../../../lab/stale-lock.ts";

test("locks of processes that are gone are removed, those of living ones stay", async () => {
  const directory = await mkdtemp(join(tmpdir(), "locks-"));
  const locks = join(directory, ".pulumi/locks/organization/homelab-k3s/lab");
  await mkdir(locks, { recursive: true });
  const gone = spawn("true");
  await once(gone, "exit");
  await writeFile(join(locks, "gone.json"), JSON.stringify({ pid: gone.pid }));
  await writeFile(join(locks, "here.json"), JSON.stringify({ pid: process.pid }));
  await removeStaleLocks(directory);
  assert.deepEqual(await readdir(locks), ["here.json"]);
  await removeStaleLocks(join(directory, "new"));
  await rm(directory, { recursive: true });
});
