import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { emptyRoot, functions } from "./shell.ts";

/** What `put_unit` says to systemd, whose words for the unit are `known`. */
async function told(known: string, root = emptyRoot()): Promise<string[]> {
  const body = `mkdir -p "$BEFORE"
    systemctl() { case $1 in show) printf '%s\\n' ${known} ;; is-enabled) return 0 ;; *) echo "$*" ;; esac; }
    UNIT=k3s.service K3S_NODE_ROOT=$ROOT; put_unit server`;
  const { code, stdout, stderr } = await functions(body, [], root);
  assert.equal(code, 0, stderr);
  return stdout.trim().split("\n");
}

test("systemd reads all units again only when it does not know the file as it is now", async () => {
  const enable = "enable --quiet --no-reload k3s.service";
  assert.deepEqual(await told("LoadState=loaded NeedDaemonReload=no UnitFileState=enabled"), [enable]);
  for (const known of [
    "LoadState=loaded NeedDaemonReload=yes UnitFileState=enabled",
    "LoadState=loaded NeedDaemonReload=no UnitFileState=disabled",
    "LoadState=not-found NeedDaemonReload=no UnitFileState=enabled",
    "",
  ]) {
    assert.deepEqual(await told(known), [enable, "daemon-reload"], known);
  }
});

test("a unit that is there and enabled is left alone", async () => {
  const root = emptyRoot();
  await told("LoadState=loaded NeedDaemonReload=no UnitFileState=enabled", root);
  assert.match(readFileSync(join(root, "etc/systemd/system/k3s.service"), "utf8"), /ExecStart=.*k3s server/);
  assert.deepEqual(await told("LoadState=loaded NeedDaemonReload=no UnitFileState=enabled", root), [""]);
});
