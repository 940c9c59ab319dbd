import { setTimeout as sleep } from "node:timers/promises";
import { api } from "../../measure/kube.ts";
import { inNamespace } from "../../measure/namespace.ts";
import { type Availability, availability } from "../../measure/outage.ts";
import { type PodsMoved, podsMoved, runsPods } from "../../measure/pods.ts";
import { waitFor } from "../../measure/wait.ts";
import { type Watched, watch } from "../../measure/watch.ts";
import type { Outcome } from "../../measure/writer.ts";
import { problemsOf } from "../members.ts";
import { Refusal } from "../refusal.ts";
import type { Happening } from "../report/model.ts";
import type { TargetCluster } from "../target.ts";
import { duration } from "../text.ts";
import { type Blow, blowOf } from "./blow.ts";
import { type Health, healthOf } from "./health.ts";
import type { Power } from "./power.ts";
import { type Scenario, scenarios, victimOf } from "./scenario.ts";

/** What shall be done. */
export interface Wanted {
  readonly scenario: Scenario;
  /** For scenarios that can hit any server. */
  readonly server: string | undefined;
  /** Seconds until the blow is healed: off in the lab, cut off anywhere. */
  readonly hold: number;
  readonly power: Power;
  /** Asked before the first blow. @throws Refusal when somebody says no */
  readonly confirm: (what: string) => Promise<void>;
}

export interface DrillResult {
  /** ISO 8601. */
  readonly at: string;
  readonly scenario: Scenario;
  readonly victim: string;
  readonly what: string;
  /** Whether the victim led etcd and held the address: both make an outage longer. */
  readonly led: boolean;
  readonly held: boolean;
  readonly endpoint: string;
  readonly provider: string;
  readonly version: string;
  readonly hold: number;
  /** Over a new connection for every request, and over one that is kept. */
  readonly newConnections: Availability;
  readonly keptConnection: Availability;
  readonly writes: Outcome;
  /** Absent where no container runs. */
  readonly pods?: PodsMoved;
  /** From the end of the blow until all voters, Nodes and the address were as before. */
  readonly healthyAfterMs: number;
  readonly voters: readonly string[];
  readonly holders: readonly string[];
  readonly happenings: readonly Happening[];
}

/** A result with all requests behind it, for plots. */
export interface Drilled {
  readonly result: DrillResult;
  readonly watched: Watched;
}

/** How clients are played: 20 Hz, so that short outages show; a request without an answer by then has failed. */
export const pace = { intervalMs: 50, timeoutMs: 1_000 } as const;

/** Milliseconds: measured before the blow and after everything is well again; for the API to answer; for all to be well. */
const waits = { aroundMs: 3_000, answersMs: 180_000, healthyMs: 600_000 } as const;

/** Shorter outages are one or two requests: in the plot, but no event. Milliseconds. */
const noticedMs = 200;

/**
 * Hits one machine of a living cluster while clients use it, and waits until the cluster is whole again. What was done is
 * undone in any case, also when it fails or is interrupted.
 * @throws Refusal before the blow, unless the cluster is whole and survives it; the signal's reason
 */
export async function drill(
  cluster: TargetCluster,
  wanted: Wanted,
  tell: (text: string) => void,
  signal: AbortSignal,
): Promise<Drilled> {
  const { scenario, server, hold, power } = wanted;
  const before = await healthOf(cluster);
  const victim = victimOf(scenario, before.situation, server);
  requireWhole(before);
  const blow = blowOf(scenario, victim, cluster, power, hold);
  await wanted.confirm(`${blow.what} (${scenarios[scenario]})`);
  const at = new Date().toISOString();
  const { gitVersion } = await api<{ gitVersion: string }>(cluster.access, "GET", "/version");
  const pods = await runsPods(cluster.access);
  const happenings: Happening[] = [];
  const note = (what: string) => {
    happenings.push({ at: Date.now(), what });
    tell(what);
  };
  return inNamespace(cluster.access, "drill", async (namespace) => {
    const clients = await watch(cluster.access, { namespace, name: "drill", ...pace, pods });
    note("clients read and write through the endpoint");
    const ended = await hit(cluster, blow, hold, note, signal).then(
      (value) => ({ value }),
      (error: unknown) => ({ error }),
    );
    const watched = await clients.stop();
    if ("error" in ended) throw ended.error;
    const { blowAt, healthyAfterMs, after } = ended.value;
    const { provider, leader, holders } = before.situation;
    const [newConnections, keptConnection] = [availability(watched.fresh), availability(watched.kept)];
    const returns = [
      ...returnsOf(newConnections, "new connections are answered"),
      ...returnsOf(keptConnection, "the kept connection is answered"),
    ];
    const result: DrillResult = {
      at,
      scenario,
      victim,
      what: blow.what,
      led: leader === victim,
      held: holders.includes(victim),
      endpoint: cluster.endpoint,
      provider,
      version: gitVersion,
      hold,
      newConnections,
      keptConnection,
      writes: watched.writes,
      ...(pods && { pods: podsMoved(watched.pods, blowAt) }),
      healthyAfterMs,
      voters: after.situation.servers,
      holders: after.situation.holders,
      happenings: [...happenings, ...returns].sort((a, b) => a.at - b.at),
    };
    return { result, watched };
  });
}

/** The ends of the outages that a person would notice. */
function returnsOf({ outages }: Availability, what: string): Happening[] {
  return outages
    .filter(({ ms }) => ms >= noticedMs)
    .map(({ to, ms }) => ({ at: to, what: `${what} again, after ${duration(ms)}` }));
}

/** @throws Refusal */
function requireWhole({ problems }: Pick<Health, "problems">): void {
  if (problems.length === 0) return;
  throw new Refusal(
    `nothing was done: a cluster that is not whole may not survive a drill.\n  ${problems.join("\n  ")}\nMend that first, then run it again`,
  );
}

interface Hit {
  readonly blowAt: number;
  readonly healthyAfterMs: number;
  readonly after: Health;
}

async function hit(
  cluster: TargetCluster,
  blow: Blow,
  hold: number,
  note: (what: string) => void,
  signal: AbortSignal,
): Promise<Hit> {
  await rest(waits.aroundMs, signal);
  requireWhole({ problems: problemsOf((await healthOf(cluster)).asked) });
  signal.throwIfAborted();
  note(blow.what);
  const blowAt = Date.now();
  try {
    await blow.strike();
    await rest(hold * 1000, signal);
    const answers = () => api(cluster.access, "GET", "/api/v1/namespaces/default", undefined, 2_000);
    await waitFor("the API through the endpoint", answers, { timeoutMs: waits.answersMs, signal });
  } finally {
    note("the blow is healed");
    await blow.heal();
  }
  const healed = Date.now();
  const after = await waitFor("the cluster is whole again", () => whole(cluster), {
    timeoutMs: waits.healthyMs,
    everyMs: 500,
    signal,
  });
  const healthyAfterMs = Date.now() - healed;
  note("all voters are well, all servers Ready, the address on one machine");
  await rest(waits.aroundMs, signal);
  return { blowAt, healthyAfterMs, after };
}

async function whole(cluster: TargetCluster): Promise<Health> {
  const health = await healthOf(cluster);
  if (health.problems.length > 0) throw new Error(health.problems.join("; "));
  return health;
}

/** @throws the signal's reason, at once */
async function rest(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => signal.throwIfAborted());
}
