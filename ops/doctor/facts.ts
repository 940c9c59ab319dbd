import { z } from "zod";
import type { Reading } from "../../config/clocks.ts";
import { knock } from "../../config/measured.ts";
import type { ClusterConfig, MachineConfig } from "../../config/schema.ts";

/**
 * What `k3s-node checkup` says of a node. Nodes are not trusted: every text is short and every list bounded, and what is
 * shown of it is escaped (`show`).
 */
const text = z.string().max(400);
const word = z.string().regex(/^[A-Za-z0-9._:+-]{1,300}$/);
const digest = z.string().regex(/^[0-9a-f]{16}$/);
const moment = z.iso.datetime();
const percent = z.int().min(0).max(100);

const disk = z.object({
  mount: text,
  kib: z.int(),
  freeKib: z.int(),
  usedPercent: percent,
  usedInodesPercent: percent,
});

const machine = z.object({
  disks: z.array(disk).max(8),
  /** Whether the virtual address is on one of its interfaces. */
  vip: z.boolean(),
  /** State of other services by name, such as keepalived. */
  services: z.record(word, text),
});

const service = z.object({
  unit: word,
  /** The role that is found there. */
  role: z.enum(["server", "agent", "none"]),
  /** `active (running)` */
  state: text,
  enabled: text,
  /** Whether the unit's text is the program's own. */
  matches: z.boolean(),
  dropIns: z.array(text).max(32),
  restarts: z.int(),
});

const binary = z.object({
  arch: z.enum(["amd64", "arm64"]),
  version: text.nullable(),
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .nullable(),
});

const files = z.object({
  /** `config.yaml` without its secrets. */
  config: z.string().max(65_536).nullable(),
  /** Files in config.yaml.d that the program did not write. */
  others: z.array(text).max(64),
  /** Secrets that others than root may read: `PATH MODE UID`. */
  loose: z.array(text).max(64),
  digests: z.object({ server: digest.nullable(), join: digest.nullable(), agent: digest.nullable() }),
  clusterCa: digest.nullable(),
  /** The end of the first certificate there. */
  expires: moment.nullable(),
});

const records = z.object({ unfinished: z.array(text).max(64), running: z.boolean() });

const file = z.object({ name: word, place: text, bytes: z.int(), createdAt: moment }).nullable();

const snapshots = z.object({
  /** k3s' own. */
  newest: file,
  /** Those that have a name in the stack, and those from before a change. */
  kept: file,
  problem: text.nullable(),
  since: moment,
});

const away = z.object({ newest: file, problem: text.nullable() });

const id = z.string().regex(/^[0-9a-f]{1,16}$/);

const member = z
  .string()
  .regex(/^[0-9a-f]{1,16} [^ ]{1,300} [01] [^ ]{1,100}$/)
  .transform((line) => {
    const [memberId, name, learner, address] = line.split(" ") as [string, string, string, string];
    return { id: memberId, name, learner: learner === "1", address };
  });

const etcd = z.object({
  /** Why it does not answer with a majority. */
  problem: text.nullable(),
  members: z.array(member).max(32),
  /** Addresses of members in its database, where etcd itself does not say; some may have left. */
  onDisk: z.array(text).max(64),
  id: id.nullable(),
  leader: id.nullable(),
  /** `MEMBER-ID NOSPACE` */
  alarms: z.array(text).max(32),
  /** Lines in Prometheus' text format. */
  metrics: z.array(text).max(300),
});

const restart = z.object({
  /** Why k3s did not say what it would compare. */
  problem: text.nullable(),
  /** Files on disk that are newer than etcd's copy. */
  newer: z.array(text).max(32),
});

const apiNode = z
  .string()
  .regex(/^[a-z0-9.-]{1,253}\|[A-Za-z]{1,10}\|[^|]{0,80}\|(?:yes|no|ours)\|-?\d{1,10}\|[^|]{0,200}$/)
  .transform((line) => {
    const [name, ready, version, cordoned, silent, keys] = line.split("|") as [string, string, ...string[]];
    return {
      name,
      ready: ready === "True",
      version: version!,
      /** By whom: `ours` by a step of this program, `yes` by somebody else. */
      cordoned: cordoned as "no" | "yes" | "ours",
      /** Seconds since its lease was renewed; without one, since it registered. */
      silent: Number(silent),
      /** What its encryption keys are called, and how far their rotation is. */
      keys: keys!,
    };
  });

const checkup = z.object({
  node: z.string(),
  machine,
  service,
  files,
  records,
  binary: binary.optional(),
  reach: z.array(knock).max(10_000).optional(),
  snapshots: snapshots.optional(),
  etcd: etcd.optional(),
  /** null when the API did not answer. */
  api: z.array(apiNode).max(10_000).nullish(),
  away: away.optional(),
  restart: restart.optional(),
});

export type Checkup = z.output<typeof checkup>;
export type Etcd = z.output<typeof etcd>;
export type ApiNode = z.output<typeof apiNode>;

/** What was found out about one machine: facts, or why there are none. */
export interface Patient {
  readonly machine: MachineConfig;
  readonly facts?: Checkup;
  /** Why nothing is known; several lines. */
  readonly problem?: string;
  readonly clock?: Reading;
}

/** Everything that the rules look at. */
export interface ClusterFacts {
  readonly config: ClusterConfig;
  readonly patients: readonly Patient[];
  /** Whether the API answers at the endpoint, from here; or why not. */
  readonly endpoint: { readonly answers: boolean; readonly problem: string };
  /** Milliseconds since 1970 by this machine's clock. */
  readonly now: number;
}

/** Reads a node's answer. @throws Error that names the fields that were unexpected, and none of their values */
export function readCheckup(node: string, stdout: string): Checkup {
  let json: unknown;
  try {
    json = JSON.parse(stdout);
  } catch {
    throw new Error(`${node}: it answered with something that is not JSON`);
  }
  const parsed = checkup.safeParse(json);
  if (!parsed.success) {
    const fields = parsed.error.issues.map(({ path }) => path.slice(0, 2).join(".") || "the answer");
    throw new Error(`${node}: it answered with unexpected ${[...new Set(fields)].join(", ")}`);
  }
  if (parsed.data.node !== node) throw new Error(`${node}: another node answered`);
  return parsed.data;
}
