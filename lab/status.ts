import { duration } from "./board.ts";
import { Lab } from "./machines/lab.ts";
import type { LabStatus } from "./machines/status.ts";
import { heading, type Screen } from "./screen.ts";
import { table } from "./table.ts";

/** `npm run lab:status`: what the lab made on this host, instance by instance. */
export async function showStatus(screen: Screen): Promise<void> {
  const instances = await Lab.list();
  if (instances.length === 0) return screen.write("There is no lab on this host. `npm start` makes one.");
  for (const instance of instances) {
    const lab = await Lab.find(instance);
    if (!lab) continue;
    const status = await lab.status();
    heading(screen, `${instance}  ${status.network.cidr}, endpoint ${status.network.vip}`);
    for (const line of statusTable(status, screen)) screen.write(line);
    screen.write(`  ${status.directory}`);
  }
  screen.write(
    "\nRemove one with `npm run lab:down -- --instance NAME`, all with `npm run lab:down -- --all`.",
  );
}

function statusTable(status: LabStatus, { look }: Screen): string[] {
  const heads = ["machine", "address", "state", "memory", "disk"];
  const mebibytes = (bytes: number) => `${Math.round(bytes / 2 ** 20)} MiB`;
  const rows = status.machines.map((machine) => {
    const up = machine.since ? `up ${duration(Date.now() - Date.parse(machine.since))}` : "off";
    return [machine.name, machine.address, up, mebibytes(machine.memoryBytes), mebibytes(machine.diskBytes)];
  });
  return table(heads, rows, look);
}

/** `npm run lab:down`: removes instances and everything they made; the caches stay. */
export async function takeDown(instances: readonly string[], screen: Screen): Promise<void> {
  for (const instance of instances) {
    const lab = await Lab.find(instance);
    if (!lab) {
      screen.write(`${instance}: there is no such lab.`);
      continue;
    }
    const began = Date.now();
    await lab.down();
    screen.write(`${instance}: removed in ${duration(Date.now() - began)}`);
  }
}
