import { access, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Machine } from "../../lab/machines/machine.ts";
import { waitFor } from "../../measure/wait.ts";

/**
 * Stops a step on a node at an exact point. Every step writes its name to a file, after the end of the one before, and
 * has both synced to the disk before it goes on; on a machine of the lab, `sync` is this script, and it waits at the
 * point that was asked for.
 */
const wrapper = `#!/bin/sh
/usr/bin/sync "$@"
code=$?
case $1 in
  */homelab-k3s/step | */homelab-k3s/step-fetch)
    if [ -e /var/log/stop-at ] && tail -n 2 "$1" | cut -d ' ' -f 2- | grep -qxF -f /var/log/stop-at; then
      : >/var/log/stopped
      while [ -e /var/log/stop-at ]; do sleep 0.05; done
    fi ;;
esac
exit $code
`;

/** Bound from the host, so that the host can see and remove it whatever became of the machine. */
const inside = (machine: Machine, name: string) => join(machine.directory, "data", "log", name);

/** From now on the next step on this machine stops at `point`, such as `begin binary`. */
export async function stopAt(machine: Machine, point: string): Promise<void> {
  const install = "cat >/usr/local/sbin/sync && chmod 755 /usr/local/sbin/sync";
  const { code, stderr } = await machine.exec(install, { stdin: wrapper });
  if (code !== 0) throw new Error(`${machine.name}: the stop cannot be put in place: ${stderr}`);
  await rm(inside(machine, "stopped"), { force: true });
  await writeFile(inside(machine, "stop-at"), `${point}\n`);
}

/** Resolves when the step stands at the point. @throws when it did not come there, or `meanwhile` ended first. */
export async function stopped(
  machine: Machine,
  meanwhile: Promise<unknown>,
  timeoutMs = 120_000,
): Promise<void> {
  let over = false;
  void meanwhile.then(
    () => {
      over = true;
    },
    () => {
      over = true;
    },
  );
  await waitFor(
    `${machine.name} stands at its point`,
    async () => {
      if (over) return "over";
      await access(inside(machine, "stopped"));
      return "stopped";
    },
    { timeoutMs, everyMs: 20 },
  ).then((how) => {
    if (how === "over") throw new Error(`${machine.name}: the run ended before it came to the point`);
  });
}

/** Lets the step go on, if anything is left of it. */
export async function release(machine: Machine): Promise<void> {
  await rm(inside(machine, "stop-at"), { force: true });
}
