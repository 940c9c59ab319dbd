import { z } from "zod";
import type { BackupReport } from "../config/backups.ts";
import { type NodeFacts, nodeFacts } from "../config/facts.ts";
import { quorumOf } from "../config/quorum.ts";
import { serverUrl } from "../config/render.ts";
import { withServer } from "./kubeconfig.ts";

/**
 * Secure form of the server token: the hash of the cluster's CA, then the password. An adopted cluster has a password
 * that somebody chose; it may hold what the node's scripts take: anything printable but quotes and backslashes.
 */
const secureToken = /^K10[0-9a-f]{64}::server:[!#-&(-[\]-~]{1,256}$/;

const identity = z.object({ node: z.string(), url: z.string(), token: z.string().regex(secureToken) });

const expiry = z.object({ expires: z.iso.datetime() });

const fetched = nodeFacts.pick({ machineId: true });

const word = z.string().regex(/^[A-Za-z0-9.+-]{1,80}$/);

const verifyResult = z.object({
  voters: z.array(word),
  nodes: z.array(z.object({ name: word, version: word })),
});

const moment = z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);

const snapshotFile = z
  .object({
    name: z.string().regex(/^[A-Za-z0-9._-]{1,300}$/),
    place: z.string().regex(/^(?:file|s3):\/\/[A-Za-z0-9._/-]{1,500}$/),
    bytes: z.int(),
    createdAt: moment,
  })
  .nullable();

const backupReport = z.object({
  node: z.string(),
  at: moment,
  since: moment,
  here: snapshotFile,
  away: snapshotFile,
  problem: z.string().nullable(),
});

/** What others need in order to join: where, and with which token. */
export type Identity = z.output<typeof identity>;

/**
 * Reads the one line of JSON that a step prints. What comes back from a node is not trusted: it is checked before
 * it becomes another node's input, and an error shows which fields were wrong but none of their values.
 */
function read<Schema extends z.ZodType>(
  node: string,
  verb: string,
  schema: Schema,
  stdout: string,
): z.output<Schema> {
  let json: unknown;
  try {
    json = JSON.parse(stdout);
  } catch {
    throw new Error(
      `${node}: ${verb} answered with something that is not JSON. Does a start-up file of its login user (.bashrc) print something? Take that out, then run again.`,
    );
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const fields = parsed.error.issues.map((issue) => issue.path.join(".") || "the answer");
  throw new Error(
    `${node}: ${verb} answered with unexpected ${[...new Set(fields)].join(", ")}. ${runAgain(node)}`,
  );
}

/** The way on where an answer is none that this program's own scripts give. */
const runAgain = (node: string) =>
  `Run again; if that does not mend it, the newest files in /var/lib/homelab-k3s/log on ${node} say more.`;

function sameNode<Answer extends { readonly node: string }>(
  node: string,
  verb: string,
  answer: Answer,
): Answer {
  if (answer.node === node) return answer;
  throw new Error(`${node}: ${verb} answered for another node. ${runAgain(node)}`);
}

/**
 * The admin kubeconfig that a server gave, with its own URL.
 * @throws Error when it is none; its content is not shown
 */
export function readKubeconfig(node: string, url: string, stdout: string): string {
  const yaml = withServer(stdout, url);
  if (yaml !== undefined) return yaml;
  throw new Error(
    `${node}: kubeconfig answered without a cluster. See /etc/rancher/k3s/k3s.yaml there; k3s writes it anew when it restarts.`,
  );
}

/** What a server says of its cluster; its URL must be the one that the stack gives that node. */
export function readIdentity(node: string, address: string, stdout: string): Identity {
  const result = read(node, "identity", identity, stdout);
  if (result.node !== node || result.url !== serverUrl(address)) {
    throw new Error(
      `${node}: identity answered for another node than the one that was asked. ${runAgain(node)}`,
    );
  }
  return result;
}

/** When the first of a server's certificates ends, ISO 8601. */
export function readExpiry(node: string, stdout: string): string {
  return read(node, "server", expiry, stdout).expires;
}

/** The machine-id that `fetch` read on a node; null where it has none. */
export function readMachineId(node: string, stdout: string): string | null {
  return read(node, "fetch", fetched, stdout).machineId;
}

/** What `inspect` found, as far as decisions rest on it. */
export function readFacts(node: string, stdout: string): NodeFacts {
  const facts = read(node, "inspect", nodeFacts, stdout);
  return sameNode(node, "inspect", facts);
}

/** What the cluster says of the stack's own nodes: the voters, the majority they need, and what runs on each Node. */
export interface Verified {
  readonly voters: readonly string[];
  readonly quorum: number;
  readonly versions: Readonly<Record<string, string>>;
}

/**
 * Reads the answer of the server `node`, as far as it concerns the configured nodes: those that are about to be
 * removed still vote when it is asked.
 */
export function readVerified(node: string, { servers, agents }: Configured, stdout: string): Verified {
  const result = read(node, "verify", verifyResult, stdout);
  const voters = result.voters.filter((name) => servers.includes(name)).sort();
  const versions = result.nodes
    .filter(({ name }) => servers.includes(name) || agents.includes(name))
    .sort((a, b) => a.name.localeCompare(b.name))
    .map(({ name, version }) => [name, version]);
  return { voters, quorum: quorumOf(voters.length), versions: Object.fromEntries(versions) };
}

/** Names of the nodes that a stack wants. */
export interface Configured {
  readonly servers: readonly string[];
  readonly agents: readonly string[];
}

export function readBackups(node: string, stdout: string): BackupReport {
  return sameNode(node, "backups", read(node, "backups", backupReport, stdout));
}

/** The token with which a server joins after a rotation: the CA's hash as it was read, with the new password. */
export function serverJoinToken(serverToken: string, serverPassword: string): string {
  return `${serverToken.split("::")[0]}::server:${serverPassword}`;
}

/** The token with which an agent joins: the server token's CA hash with the agents' own password. */
export function agentJoinToken(serverToken: string, agentPassword: string): string {
  return `${serverToken.split("::")[0]}::node:${agentPassword}`;
}
