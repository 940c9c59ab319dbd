import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { quorumOf } from "../config/quorum.ts";
import { accessOf } from "../measure/kube.ts";
import { Board, duration } from "./board.ts";
import { paint } from "./board-text.ts";
import { type Cluster, openCluster } from "./cluster.ts";
import { applyEvent, clusterRow } from "./engine-events.ts";
import { unlessInterrupted } from "./interrupt.ts";
import { type Prepared, prepare, preparing } from "./prepare.ts";
import { type Proof, proofRows, prove } from "./proof.ts";
import { heading, type Screen, type Showing, show } from "./screen.ts";
import { table } from "./table.ts";

/** The options of `npm start`. */
export type StartOptions = {
  instance: string;
  k3s: string;
  images: string[];
  servers: number;
  agents: number;
  proof: boolean;
  podsElsewhere: boolean;
};

/** `npm start`: from nothing, or from where the last run stopped, to a cluster that has been proven. */
export async function start(options: StartOptions, screen: Screen, signal: AbortSignal): Promise<void> {
  const began = Date.now();
  const prepared = await phase(screen, "Getting ready", preparing, (board, { now }) =>
    unlessInterrupted(signal, prepare(options, board, now)),
  );
  for (const line of prepared.notes) screen.write(`  ${line}`);
  const { topology } = prepared;
  const nodeNames = topology.nodes.map((node) => node.name);
  const cluster = await phase(screen, "Machines", nodeNames, (board, { now }) =>
    unlessInterrupted(signal, openCluster(prepared, board, now)),
  );
  await cluster.configure({});
  const up = await bringUp(cluster, screen, nodeNames, signal);
  const kubeconfig = (await cluster.outputs()).kubeconfig as string;
  const kubeconfigFile = join(cluster.lab.directory, "kubeconfig");
  await writeFile(kubeconfigFile, kubeconfig, { mode: 0o600 });
  const rows = proofRows(cluster, options);
  const proof = options.proof
    ? await phase(screen, "Proof", rows, (board, { now }) =>
        prove(cluster, accessOf(kubeconfig), options, board, now, signal),
      )
    : undefined;
  await cluster.close();
  summary(screen, prepared, up, proof, Date.now() - began);
  nextSteps(screen, cluster, kubeconfigFile);
}

/** Runs a part of the whole under a heading, with a board that is shown while it runs. */
async function phase<T>(
  screen: Screen,
  title: string,
  rows: readonly string[],
  work: (board: Board, showing: Showing) => Promise<T>,
  options: { bars?: boolean } = {},
): Promise<T> {
  heading(screen, title);
  const board = new Board(rows);
  const showing = show(screen, board, options);
  try {
    return await work(board, showing);
  } finally {
    showing.stop();
  }
}

type Up = { seconds: number; changed: number };

async function bringUp(cluster: Cluster, screen: Screen, nodes: string[], signal: AbortSignal): Promise<Up> {
  const plan = await phase(screen, "pulumi preview", ["preview"], async (board, { now }) => {
    board.begin("preview", "", now());
    const ended = await cluster.operate("preview", () => {}, signal);
    board.say(
      "preview",
      ended.changed === 0 ? "nothing to do" : `${ended.changed} resources to change`,
      now(),
    );
    board.end("preview", "", now());
    return ended;
  });
  const options = { bars: plan.changed > 0 };
  return phase(
    screen,
    "pulumi up",
    [...nodes, clusterRow],
    (board, { now }) => cluster.operate("up", (event) => applyEvent(board, nodes, event, now()), signal),
    options,
  );
}

function summary(screen: Screen, prepared: Prepared, up: Up, proof: Proof | undefined, tookMs: number): void {
  heading(screen, "Summary");
  const { topology, release } = prepared;
  const rows = [
    [
      "k3s",
      `${release.version}${release.standin ? ", the lab's stand-in: no pods run, and no figure here is k3s' own" : ""}`,
    ],
    ["machines", `${topology.servers.length} servers, ${topology.agents.length} agents`],
    ["up", `${up.changed} changes in ${duration(up.seconds * 1000)}`],
    ...(proof ? proofSummary(proof, topology.vip) : [["proof", "not asked for"]]),
    ["all in all", duration(tookMs)],
  ];
  for (const line of table(["what", "result"], rows, screen.look)) screen.write(line);
}

function proofSummary(proof: Proof, vip: string): string[][] {
  const { voters, leader, nodes, pods, holder, secondUpSeconds, snapshot, failover, elsewhere } = proof;
  const quorum = quorumOf(voters.length);
  return [
    ["voters", `${voters.join(", ")}; quorum ${quorum}; ${leader} leads`],
    ["nodes", nodes.map(({ name, roles }) => `${name} (${roles.join(",") || "agent"})`).join(", ")],
    ...(pods
      ? [["pods", `${pods.pairs} ways between ${pods.nodes.length} nodes, and a Service; ${pods.image}`]]
      : []),
    ["endpoint", `https://${vip}:6443, was on ${holder}`],
    ["second up", `no change, ${duration(secondUpSeconds * 1000)}`],
    ["snapshot", snapshot],
    ...(failover ? failoverSummary(failover, pods && (elsewhere ?? "not asked for")) : []),
  ];
}

function failoverSummary(
  { victim, longestMs, failed, total, healedMs }: NonNullable<Proof["failover"]>,
  moved: Proof["elsewhere"] | "not asked for",
): string[][] {
  const pods =
    typeof moved === "object"
      ? `${moved.moved} of ${victim} ran on other nodes after ${duration(moved.elsewhereMs)}; its Node was NotReady after ${duration(moved.notReadyMs)}`
      : `${moved}: --pods-elsewhere keeps the power off until the pods have moved`;
  return [
    ["failover", `${duration(longestMs)} without the API, ${failed} of ${total} requests failed`],
    ...(moved ? [["pods elsewhere", pods]] : []),
    ["healing", `${victim} healthy again after ${duration(healedMs)}`],
  ];
}

function nextSteps(screen: Screen, cluster: Cluster, kubeconfigFile: string): void {
  const { lab, topology } = cluster;
  const instance = lab.instance === "default" ? "" : ` -- --instance ${lab.instance}`;
  heading(screen, "What to try next");
  const rows = [
    [`npm start${instance}`, "again: it finds nothing to do"],
    [
      `npm start${instance || " --"} --agents ${topology.agents.length + 2}`,
      "two more agents, at the same time",
    ],
    [`KUBECONFIG=${kubeconfigFile} kubectl get nodes`, "the cluster, through the endpoint"],
    [`ssh -i ${lab.privateKeyFile} root@${topology.servers[0]!.address}`, "a machine"],
    ...(cluster.pods?.workload
      ? [[`npm start${instance || " --"} --pods-elsewhere`, "how long pods of a lost machine are away"]]
      : []),
    ["npm run lab:status", "what runs on this host"],
    [`npm run lab:down${instance}`, "remove everything"],
  ];
  const width = Math.max(...rows.map(([command]) => command!.length));
  for (const [command, why] of rows)
    screen.write(`  ${command!.padEnd(width)}  ${paint(screen.look, "dim", why!)}`);
}
