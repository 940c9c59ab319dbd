import type { Problem } from "./problems.ts";
import { compareVersions, type K3sVersion, parseVersion } from "./version.ts";

/** Names of the profiles, from the quickest to the most patient. */
export const timings = ["lan-ssd", "default", "slow-disk"] as const;

export type EtcdTiming = (typeof timings)[number];

/** kube-vip's leader election, in whole seconds; see `lease` in endpoint.ts. */
export interface Lease {
  readonly duration: number;
  readonly renew: number;
  readonly retry: number;
}

export interface TimingProfile {
  /** Milliseconds between two signs of life of etcd's leader. */
  readonly heartbeatMs: number;
  /** Milliseconds of silence after which a member asks for an election: once to twice as many, at random. */
  readonly electionMs: number;
  /** kube-vip's lease where the stack gives none. */
  readonly lease: Lease;
  /** The slowest disk, p99 of a WAL sync in milliseconds, for which it is advised. */
  readonly walSyncMs: number;
  /** The slowest network, p99 of a round trip between servers in milliseconds, for which it is advised. */
  readonly roundTripMs: number;
}

/**
 * How soon a dead leader of etcd is noticed, and how much patience a busy disk gets.
 *
 * While the servers change from one profile to another, one after the other, they run on a mix of both. No heartbeat
 * is therefore longer than half of any election: whoever leads, everybody hears of it in time.
 *
 * The limits of `lan-ssd` are etcd's own for a good disk (WAL sync under 10 ms) and a wired LAN; those of `default`
 * leave its election fifty syncs and a hundred round trips.
 */
export const profiles: Readonly<Record<EtcdTiming, TimingProfile>> = {
  "lan-ssd": {
    heartbeatMs: 100,
    electionMs: 1000,
    lease: { duration: 3, renew: 2, retry: 1 },
    walSyncMs: 10,
    roundTripMs: 10,
  },
  /** k3s' own values; nothing is said to it. */
  default: {
    heartbeatMs: 500,
    electionMs: 5000,
    lease: { duration: 5, renew: 3, retry: 1 },
    walSyncMs: 100,
    roundTripMs: 50,
  },
  "slow-disk": {
    heartbeatMs: 500,
    electionMs: 10_000,
    lease: { duration: 15, renew: 10, retry: 2 },
    walSyncMs: Number.POSITIVE_INFINITY,
    roundTripMs: Number.POSITIVE_INFINITY,
  },
};

/** kube-vip's lease: the stack's own, or what fits to its profile. A profile that is malformed counts as k3s' own. */
export function leaseOf(
  endpoint: { readonly lease?: Lease | undefined },
  timing: EtcdTiming = "default",
): Lease {
  return endpoint.lease ?? profiles[timing].lease;
}

/** What k3s passes on to etcd. With `default` nothing, so that k3s may change its mind. */
export function etcdArguments(timing: EtcdTiming): string[] {
  if (timing === "default") return [];
  const { heartbeatMs, electionMs } = profiles[timing];
  return [`heartbeat-interval=${heartbeatMs}`, `election-timeout=${electionMs}`];
}

/**
 * The first releases with `etcd-arg`. 1.21 got it too (1.21.7), but holds etcd 3.4, where a member that comes back
 * deposes the leader instead of asking first (pre-vote, etcd's default from 3.5 on): with short elections it does so
 * often.
 */
const firstRelease = "v1.22.4+k3s1";

/** A profile for a release that cannot carry it out. */
export function timingProblems(version: string | undefined, timing: EtcdTiming | undefined): Problem[] {
  const release = version === undefined ? undefined : parseVersion(version);
  if (!release || timing === undefined || timing === "default") return [];
  if (compareVersions(release, parseVersion(firstRelease) as K3sVersion) >= 0) return [];
  return [
    {
      path: "etcd.timing",
      found: `${timing} with k3s ${version}`,
      wanted: `default, or k3s ${firstRelease} or newer`,
      next: "Older releases take no etcd-arg, or their members depose a healthy leader when they come back.",
    },
  ];
}

/** What was measured on the slowest of the servers; p99 in milliseconds. */
export interface Measured {
  /** How long etcd's log takes to be on disk. */
  readonly walSyncMs: number;
  /** Between two servers. Without it the network counts as good enough. */
  readonly roundTripMs?: number;
}

/** The quickest profile that the slowest server can keep. Pure. */
export function adviseTiming({ walSyncMs, roundTripMs = 0 }: Measured): EtcdTiming {
  const fits = (timing: EtcdTiming) =>
    walSyncMs <= profiles[timing].walSyncMs && roundTripMs <= profiles[timing].roundTripMs;
  return timings.find(fits) ?? "slow-disk";
}

/**
 * Whether a profile is one that these machines cannot keep, and what to take instead; undefined when it fits or is
 * more patient than it must be. Pure.
 */
export function timingAdvice(chosen: EtcdTiming, measured: Measured): Problem | undefined {
  const advised = adviseTiming(measured);
  if (timings.indexOf(chosen) >= timings.indexOf(advised)) return undefined;
  const { electionMs, walSyncMs, roundTripMs } = profiles[chosen];
  const trip = measured.roundTripMs === undefined ? "" : `, round trip ${measured.roundTripMs.toFixed(1)} ms`;
  return {
    path: "etcd.timing",
    found: `${chosen} with a WAL sync of ${measured.walSyncMs.toFixed(1)} ms${trip} (p99)`,
    wanted: `at most ${walSyncMs} ms and ${roundTripMs} ms for elections after ${electionMs} ms`,
    next: `Set etcd.timing to ${advised}: a leader that waits for its disk would be deposed.`,
  };
}
