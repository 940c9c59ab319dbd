import { z } from "zod";
import { clocksOff, offBy, type Reading } from "./clocks.ts";
import type { Limits } from "./limits.ts";
import { type Problem, printable } from "./problems.ts";

/** What machines and the network between them can do, measured before anything is changed. Nodes are not trusted. */

const port = z.int().min(1).max(65_535);

/** What `k3s-node measure` says once it listens. */
export const listening = z.object({
  node: z.string(),
  /** Whether k3s was never there. Elsewhere ports and disk are in use, and are left alone. */
  new: z.boolean(),
  /** `tcp 6443 nginx (812)` */
  taken: z.array(z.string().max(200)).max(64),
  /** TCP ports on which it listens until it is told to stop. */
  listens: z.array(port).max(64),
  /** Whether it listens on vxlan's UDP port. */
  vxlan: z.boolean(),
});

/** How a port of another machine answered: `server-2 6443 open 312`, the last in microseconds. */
export const knock = z
  .string()
  .regex(/^[a-z0-9.-]{1,253} \d{1,5} (?:open|refused|rejected|silent) \d{1,10}$/)
  .transform((line) => {
    const [to, number, answer, micros] = line.split(" ") as [string, string, string, string];
    return { to, port: Number(number), answer, ms: Number(micros) / 1000 };
  });

/** What it says once it has measured. */
export const measuring = z.object({
  node: z.string(),
  knocks: z.array(knock).max(10_000),
  /** A server's disk; null where it was not measured. */
  disk: z.object({ medium: z.enum(["disk", "sd-card"]), syncMicros: z.int().nullable() }).nullable(),
});

/** What it says in the end: whose datagrams came. */
export const heard = z.object({ node: z.string(), heard: z.array(z.string().max(300)).max(1000) });

/** Everything that was measured on one machine. */
export interface Measured {
  readonly name: string;
  readonly role: "server" | "agent";
  readonly listening: z.output<typeof listening>;
  readonly measuring: z.output<typeof measuring>;
  readonly heard: readonly string[];
  readonly clock: Reading;
}

/** What was measured, judged: problems forbid to start, warnings do not. */
export interface Judgement {
  readonly problems: readonly Problem[];
  readonly warnings: readonly string[];
}

/** UDP port of vxlan, flannel's default backend. */
const vxlanPort = 8472;

function taken({ name, listening }: Measured): Problem[] {
  return listening.taken.map((line) => {
    const [protocol = "", number = "", ...owner] = line.split(" ");
    return {
      path: name,
      found: `${protocol.toUpperCase()} port ${printable(number)} taken by ${printable(owner.join(" "))}`,
      wanted: "a port that is free for k3s",
      next: "Stop that program, or give it another port.",
    };
  });
}

/** A port counts as blocked where something listens and does not answer, or where not even a refusal comes. */
function blocked(all: readonly Measured[]): Problem[] {
  const doors = new Map<string, { to: string; door: string; from: string[] }>();
  const note = (to: string, door: string, from: string) => {
    const entry = doors.get(`${to} ${door}`) ?? { to, door, from: [] };
    entry.from.push(from);
    doors.set(`${to} ${door}`, entry);
  };
  for (const { name, measuring } of all) {
    for (const { to, port: number, answer } of measuring.knocks) {
      const listens = all.find((one) => one.name === to)?.listening.listens.includes(number) === true;
      if (answer === "silent" || answer === "rejected" || (answer === "refused" && listens))
        note(to, `TCP port ${number}`, name);
    }
  }
  for (const { name, listening, heard } of all) {
    if (!listening.vxlan) continue;
    for (const other of all)
      if (other.name !== name && !heard.includes(other.name)) note(name, `UDP port ${vxlanPort}`, other.name);
  }
  return [...doors.values()].map(({ to, door, from }) => ({
    path: to,
    found: `${door} blocked from ${from.join(", ")}`,
    wanted: "a way between the nodes",
    next: "Open it in the firewalls of both, and in what is between them.",
  }));
}

function slowDisk({ name, measuring }: Measured, limits: Limits): Judgement {
  const { medium, syncMicros } = measuring.disk ?? {};
  const problems: Problem[] = [];
  const warnings: string[] = [];
  if (medium === "sd-card" && !limits.sdCards)
    problems.push({
      path: name,
      found: "an SD card where etcd would write",
      wanted: "an SSD: etcd's writes wear a card out within months",
      next: "Mount a disk at /var/lib/rancher, or set limits.sdCards: true.",
    });
  const ms = (syncMicros ?? 0) / 1000;
  if (ms > limits.diskSyncRefusedMs)
    problems.push({
      path: name,
      found: `${ms.toFixed(1)} ms for a write of 8 KiB to reach the disk`,
      wanted: `at most ${limits.diskSyncRefusedMs} ms (limits.diskSyncRefusedMs)`,
      next: "Give it an SSD; etcd would lose its lead whenever this disk is busy.",
    });
  else if (ms > limits.diskSyncMs)
    warnings.push(
      `${name}: found ${ms.toFixed(1)} ms for a write of 8 KiB to reach the disk; wanted at most ${limits.diskSyncMs} ms (limits.diskSyncMs). etcd will be slow here; an SSD would help.`,
    );
  return { problems, warnings };
}

/** The best connection between two servers, either way: what is left is the network's. */
function farServers(all: readonly Measured[], limits: Limits): Problem[] {
  const servers = all.filter(({ role }) => role === "server");
  const pairs = new Map<string, { from: string; to: string; ms: number }>();
  for (const { name: from, measuring } of servers) {
    for (const { to, answer, ms } of measuring.knocks) {
      if (answer !== "open" || !servers.some(({ name }) => name === to)) continue;
      const key = [from, to].sort().join(" ");
      if (ms < (pairs.get(key)?.ms ?? Number.POSITIVE_INFINITY)) pairs.set(key, { from, to, ms });
    }
  }
  return [...pairs.values()]
    .filter(({ ms }) => ms > limits.roundTripMs)
    .map(({ from, to, ms }) => ({
      path: from,
      found: `a round trip of ${ms.toFixed(1)} ms to ${to}`,
      wanted: `at most ${limits.roundTripMs} ms (limits.roundTripMs)`,
      next: "Connect servers by wire to one network.",
    }));
}

function wrongClocks(all: readonly Measured[], limits: Limits): Problem[] {
  const clocks = all.map(({ name, clock }) => ({ name, ...clock }));
  return clocksOff(clocks, limits.clockMs).map(({ name, offMs }) => ({
    path: name,
    found: `a clock that is ${offBy(offMs)}`,
    wanted: `within ${limits.clockMs} ms (limits.clockMs)`,
    next: "Install chrony or systemd-timesyncd; `timedatectl` says whether it is synchronised.",
  }));
}

/** A new cluster must not take an address that something answers at; where k3s is on a server, that may be its cluster. */
function takenAddress(all: readonly Measured[], address: string | undefined): Problem[] {
  const servers = all.filter(({ role }) => role === "server");
  if (address === undefined || servers.some(({ listening }) => !listening.new)) return [];
  return [
    {
      path: "endpoint.address",
      found: `${address}, which answers already although no server runs yet`,
      wanted: "a free address",
      next: "Find the machine that has it, or take another address.",
    },
  ];
}

/**
 * Everything that was measured, against the stack's limits. Pure.
 * @param answering the endpoint's address, when something answers there
 */
export function judge(all: readonly Measured[], limits: Limits, answering?: string): Judgement {
  const disks = all.map((one) => slowDisk(one, limits));
  const problems = [
    ...all.flatMap(taken),
    ...blocked(all),
    ...disks.flatMap((disk) => disk.problems),
    ...farServers(all, limits),
    ...wrongClocks(all, limits),
    ...takenAddress(all, answering),
  ];
  return {
    problems: problems.sort((a, b) => a.path.localeCompare(b.path)),
    warnings: disks.flatMap((disk) => disk.warnings),
  };
}
