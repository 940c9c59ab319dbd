/**
 * `npm run test:first-starts`: a server that founds and one that joins lose their power while k3s starts for the first
 * time, at ten moments each. One more run must converge every time. Ends with exit code 1 when one does not. About a
 * minute a cut.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { Command, Option } from "commander";
import { Board } from "../lab/board.ts";
import { killTree, startClient } from "../lab/client-process.ts";
import type { Cluster } from "../lab/cluster.ts";
import type { Machine } from "../lab/machines/machine.ts";
import { prepare } from "../lab/prepare.ts";
import { heading, openScreen } from "../lab/screen.ts";
import { waitFor } from "../measure/wait.ts";
import { beginning, open } from "./interruptions/beginning.ts";
import { converged } from "./interruptions/cell.ts";
import { operationOf } from "./interruptions/operation.ts";

/** Seconds after systemd was told to start k3s. Most of what k3s writes once it writes in the first ten. */
const moments = [0.3, 1, 2, 3, 4.5, 6, 8, 12, 18, 28];

const roles = ["founds", "joins"] as const;

const options = new Command("test:first-starts")
  .option("--instance <name>", "the lab to use; what is in it is lost", "first-starts")
  .option("--k3s <file>", "a real k3s binary, or `standin`")
  .addOption(new Option("--role <name>", "one role only").choices([...roles]))
  .addOption(new Option("--moment <seconds...>", "these moments only").argParser(seconds))
  .parse()
  .opts<{ instance: string; k3s?: string; role?: (typeof roles)[number]; moment?: number[] }>();

const screen = openScreen();
let failed = 0;
for (const role of options.role ? [options.role] : roles) failed += await cutEach(role);
process.exit(failed === 0 ? 0 : 1);

function seconds(text: string, before: number[] = []): number[] {
  return [...before, Number(text)];
}

async function cutEach(role: (typeof roles)[number]): Promise<number> {
  const operation = await operationOf(role);
  const { servers, agents, victim } = operation;
  const k3s = options.k3s === undefined ? {} : { k3s: options.k3s };
  const wanted = { instance: `${options.instance}-${role}`, servers, agents, ...k3s };
  const prepared = await prepare(wanted, new Board(), () => 0);
  heading(screen, `${role}: ${victim} loses its power in its first start (${prepared.release.version})`);
  let bad = 0;
  try {
    const back = await beginning(prepared, operation);
    for (const moment of options.moment ?? moments) {
      await back();
      const cluster = await open(prepared, operation);
      const said = await cut(cluster, cluster.machine(victim), moment, prepared.env);
      if (said.failed) bad++;
      screen.write(`  after ${moment} s: ${said.how}`);
    }
    return bad;
  } finally {
    await prepared.close();
    await prepared.lab.down();
  }
}

/** Cuts the power at a moment, and says how one more run went. */
async function cut(
  cluster: Cluster,
  victim: Machine,
  moment: number,
  env: Record<string, string>,
): Promise<{ failed: boolean; how: string }> {
  const client = startClient(cluster.lab.instance, env);
  await waitFor("k3s starts", () => starts(victim), { timeoutMs: 120_000, everyMs: 50 });
  await sleep(moment * 1_000);
  await victim.powerOff();
  await killTree(client);
  await victim.start();
  await victim.waitSsh();
  const again = Date.now();
  try {
    await cluster.operate("up");
    await converged(cluster);
    return { failed: false, how: `converged in ${((Date.now() - again) / 1_000).toFixed(1)} s` };
  } catch (error) {
    return { failed: true, how: `FAILED: ${(error as Error).message}` };
  }
}

async function starts(machine: Machine): Promise<void> {
  const { stdout } = await machine.exec("systemctl show k3s --property=ActiveState");
  if (!/=(activating|active)/.test(stdout)) throw new Error(stdout.trim());
}
