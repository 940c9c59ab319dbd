import assert from "node:assert/strict";
import { after, type TestContext } from "node:test";
import type { EngineEvent } from "@pulumi/pulumi/automation/index.js";
import { Board, type Row } from "../../lab/board.ts";
import { startClient } from "../../lab/client-process.ts";
import { type Cluster, openCluster } from "../../lab/cluster.ts";
import { applyEvent } from "../../lab/engine-events.ts";
import { cachedReleases } from "../../lab/k3s/cache.ts";
import { alike } from "../../lab/k3s/versions.ts";
import type { Machine } from "../../lab/machines/machine.ts";
import { type Prepared, prepare, usualK3s, type Wanted } from "../../lab/prepare.ts";
import type { Topology } from "../../lab/topology.ts";
import { type Access, accessOf } from "../../measure/kube.ts";
import { type Availability, availability } from "../../measure/outage.ts";
import { apiPatiently } from "../../measure/patient.ts";
import { startProber } from "../../measure/prober.ts";
import { type Outcome, startWriter } from "../../measure/writer.ts";
import { tellLab } from "../proof/labs.ts";

/** Why these tests cannot run here; never under CI. */
export const skip = process.getuid?.() === 0 ? false : "machines need root";
if (skip && process.env.CI === "true") throw new Error(`CI=true, and ${skip}`);

/** {@link skip}, or why these versions cannot be had of the k3s that the tests run on. */
export async function skipFor(versions: readonly string[]): Promise<string | false> {
  if (skip || usualK3s === "standin") return skip;
  const there = usualK3s === "real" ? (await cachedReleases()).map(({ version }) => version) : [];
  if (alike(versions, there)) return false;
  return `LAB_K3S=${usualK3s}: found ${there.join(", ") || "one release"}, want such that stand to each other as ${versions.join(", ")}`;
}

/** Milliseconds for one file; it only ends what hangs. The longest takes nine minutes, three at a time on two cores. */
export const timeout = 1_200_000;

/**
 * Milliseconds that what a failed test has left open, such as the server of the release, holds the run up after the last
 * test of its file. Node's own --test-force-exit loses results. Benchmarks use this file, too, and have no such end.
 */
const leftOpenMs = 20_000;
if (process.env.NODE_TEST_CONTEXT)
  after(() => {
    setTimeout(() => process.exit(), leftOpenMs).unref();
  });

/** A machine of the lab as a node of the stack. */
export function nodeEntry(cluster: Cluster, name: string, more: object = {}): object {
  const { address, hostKey } = cluster.machine(name);
  return { name, host: address, address, hostKey, ...more };
}

/** An instance of a test file's own, with the machines up and a stack that never ran. */
export type Rehearsal = { prepared: Prepared; cluster: Cluster; end(): Promise<void> };

/**
 * @param name Part of the instance's name: runs at the same time must not meet.
 */
export async function rehearse(name: string, wanted: Omit<Wanted, "instance">): Promise<Rehearsal> {
  const board = new Board();
  const prepared = await prepare({ ...wanted, instance: `test-${name}-${process.pid}` }, board, () => 0);
  tellLab(prepared.releases);
  const end = async () => {
    await prepared.close();
    await prepared.lab.down();
  };
  try {
    const cluster = await openCluster(prepared, board, () => 0);
    await cluster.configure({});
    return { prepared, cluster, end };
  } catch (error) {
    await end();
    throw error;
  }
}

/** Runs `up` and keeps what ran when. */
export async function upWithBoard(cluster: Cluster): Promise<{ board: Board; changed: number }> {
  const board = new Board();
  const began = Date.now();
  const names = cluster.topology.nodes.map((node) => node.name);
  const keep = (event: EngineEvent) => applyEvent(board, names, event, Date.now() - began);
  const { changed } = await cluster.operate("up", keep);
  return { board, changed };
}

/** When the step that installs k3s ran on a node. */
export function stepOf(board: Board, name: string): { from: number; to: number } {
  const span = board.row(name).spans.find(({ what }) => what === "k3s");
  assert.ok(span?.to !== undefined, `${name}: no finished step among ${JSON.stringify(board.row(name))}`);
  return { from: span.from, to: span.to };
}

/** The most pieces of work that ran at one moment. */
export function mostAtOnce(spans: readonly { from: number; to: number }[]): number {
  return Math.max(0, ...spans.map(({ from }) => spans.filter((s) => s.from <= from && from < s.to).length));
}

/** The rows of a board that did something. */
export const busy = (board: Board): Row[] => board.rows.filter((row) => row.spans.length > 0);

/** The access of an administrator through the endpoint. */
export async function adminOf(cluster: Cluster): Promise<Access> {
  return accessOf((await cluster.outputs()).kubeconfig as string);
}

/** Runs a command on a machine. @throws when it fails. */
export async function output(machine: Machine, command: string): Promise<string> {
  const { code, stdout, stderr } = await machine.exec(command);
  assert.equal(code, 0, `${machine.name}: ${command}: ${stderr}`);
  return stdout;
}

/**
 * All that a run could change on a machine: files with their times and contents' sizes, the services with the moment of
 * their start, and how often somebody logged in. Logs and what k3s itself writes while it runs are left out.
 */
export async function fingerprint(machine: Machine): Promise<string> {
  const places = "/etc /root /home /usr/local /opt /var/lib/homelab-k3s /var/lib/rancher/k3s/server/token";
  return output(
    machine,
    `find ${places} -path /var/lib/homelab-k3s/log -prune -o -path '*/.homelab-k3s-lab*' -prune -o -type f -printf '%p %s %T@ %i\\n' 2>/dev/null | sort
     systemctl show --property=Id,ActiveState,ActiveEnterTimestampMonotonic,MainPID k3s k3s-agent
     journalctl --unit=ssh --output=cat | grep -c Accepted`,
  );
}

/** The fingerprints of all machines, by name. */
export async function fingerprints(cluster: Cluster): Promise<Record<string, string>> {
  const names = cluster.topology.nodes.map((node) => node.name);
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await fingerprint(cluster.machine(name))])),
  );
}

/**
 * What a run says that must fail. In a process of its own: a program that is refused or cut short leaves rejections
 * behind that nobody can catch.
 */
export async function failedUp({ cluster, prepared }: Rehearsal): Promise<string> {
  const { code, output } = await startClient(cluster.lab.instance, prepared.env).ended;
  assert.equal(code, 1, output);
  return output;
}

/** The topology without one of its nodes. */
export function without(topology: Topology, name: string): Topology {
  const others = (nodes: Topology["nodes"]) => nodes.filter((node) => node.name !== name);
  const { nodes, servers, agents } = topology;
  return { ...topology, nodes: others(nodes), servers: others(servers), agents: others(agents) };
}

/**
 * The longest that the API may be away through the endpoint: one failover of it. On a quiet machine with k3s' own etcd
 * timings that is 5-12 s (etcd's election of 5-10 s, or kube-vip's lease of 5 s and its announcement); twice that and
 * some more are for machines that share their two cores with others.
 */
export const failoverMs = 30_000;

/** What clients saw while something was done: a prober that reads twenty times a second, and a writer. */
export type Seen = { availability: Availability; written: Outcome };

/** Does something while a prober and a writer use the API through the endpoint; says what they saw. */
export async function watched(
  t: TestContext,
  access: Access,
  what: string,
  work: () => Promise<unknown>,
): Promise<Seen> {
  const { ca, cert, key, server } = access;
  const url = `${server}/api/v1/namespaces/default`;
  const [prober, writer] = await Promise.all([
    startProber({ url, intervalMs: 50, timeoutMs: 1_000, ca, cert, key }),
    startWriter({ access, name: what.replaceAll(" ", "-") }),
  ]);
  const ended = await work().then(
    () => undefined,
    (error: Error) => error,
  );
  const seen = { availability: availability(await prober.stop()), written: await writer.stop() };
  const { longestMs, failed, total, outages } = seen.availability;
  t.diagnostic(
    `${what}: longest outage ${(longestMs / 1000).toFixed(1)} s, ${failed} of ${total} requests failed in ${outages.length} outages; ` +
      `${seen.written.acknowledged} writes acknowledged, ${seen.written.lost.length} lost, longest pause ${(seen.written.longestPauseMs / 1000).toFixed(1)} s`,
  );
  if (ended) throw ended;
  return seen;
}

/** @throws when an acknowledged write is lost, or the API was away for longer than one failover of the endpoint. */
export function uninterrupted({ availability, written }: Seen): void {
  assert.ok(written.acknowledged > 10, `only ${written.acknowledged} writes`);
  assert.deepEqual(written.lost, []);
  assert.ok(
    !availability.openEnd && availability.longestMs < failoverMs,
    `away for ${availability.longestMs} ms`,
  );
}

/** Where marks are written: data whose survival is checked. */
export const configMaps = "/api/v1/namespaces/default/configmaps";

export async function writeMark(access: Access, name: string): Promise<void> {
  await apiPatiently(access, "POST", configMaps, { apiVersion: "v1", kind: "ConfigMap", metadata: { name } });
}

/** Runs the step of a node by hand, with the command and the input that the stack has for it. */
export async function runAgain(cluster: Cluster, name: string, flag = ""): Promise<{ changed: string[] }> {
  const { command, stdin } = await cluster.step(name);
  const more = command.replace(/ -$/, ` ${flag} -`);
  const { code, stdout, stderr } = await cluster.machine(name).exec(more, { stdin });
  assert.equal(code, 0, `${name}: ${stderr}`);
  return JSON.parse(stdout) as { changed: string[] };
}

export type { Cluster };
