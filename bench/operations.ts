/**
 * `npm run bench:operations`: every operation of the README on one living cluster, one after another, while a prober reads
 * and a writer writes through the endpoint. After each, every server is restarted twice and one loses its power; then
 * `doctor` must find nothing and a second `up` must change nothing. Ends with exit code 1 when one does not hold.
 */
import { Command } from "commander";
import { Board } from "../lab/board.ts";
import { type Cluster, openCluster } from "../lab/cluster.ts";
import { type Prepared, prepare } from "../lab/prepare.ts";
import { unchanged } from "../lab/proof.ts";
import { everyServerReturns } from "../lab/restarts.ts";
import { heading, openScreen } from "../lab/screen.ts";
import { table } from "../lab/table.ts";
import { accessOf } from "../measure/kube.ts";
import { availability } from "../measure/outage.ts";
import { watch } from "../measure/watch.ts";
import { findingsOf } from "../test/lab/operator.ts";
import { realK3sOf } from "../test/proof/labs.ts";
import { mergeOperations } from "../test/proof/merge.ts";
import { readProof, writeProof } from "../test/proof/record.ts";
import { type Operation, operations } from "./operations/list.ts";
import { proven, type Row, rowText } from "./operations/row.ts";

const options = new Command("bench:operations")
  .option("--instance <name>", "the lab to use; what is in it is lost", "operations")
  .option("--k3s <file>", "a real k3s binary, or `standin`")
  .option("--only <names...>", "these operations only, in the order of the list")
  .option("--keep", "leave the machines as they are at the end")
  .option("--record", "write what was whole afterwards to docs/proof.md; with a real k3s only")
  .parse()
  .opts<{ instance: string; k3s?: string; only?: string[]; keep?: boolean; record?: boolean }>();

const screen = openScreen();
const rows: Row[] = [];
const k3s = options.k3s === undefined ? {} : { k3s: options.k3s };
const versions = ["v1.34.11+k3s1", "v1.35.8+k3s1"];
const prepared = await prepare(
  { instance: options.instance, servers: 3, agents: 2, versions, ...k3s },
  new Board(),
  () => 0,
);
heading(screen, `Operations on ${prepared.releases.map(({ version }) => version).join(" -> ")}`);
try {
  const cluster = await openCluster(prepared, new Board(), () => 0);
  await cluster.configure({});
  await bringUp(cluster);
  for (const operation of operations.filter(({ name }) => options.only?.includes(name) ?? true))
    await measured(cluster, prepared, operation);
} finally {
  for (const line of table(
    ["operation", "s", "longest outage", "refused", "writes", "lost", "afterwards"],
    rows.map(rowText),
    screen.look,
  ))
    screen.write(line);
  const real = realK3sOf(prepared.releases);
  if (options.record && real) {
    const proof = readProof();
    writeProof({ ...proof, operations: mergeOperations(proof.operations, proven(rows, real)) });
  }
  await prepared.close();
  if (!options.keep) await prepared.lab.down();
}
process.exit(rows.every(({ problem }) => problem === undefined) ? 0 : 1);

async function bringUp(cluster: Cluster): Promise<void> {
  const { seconds } = await cluster.operate("up");
  const problem = await afterwards(cluster);
  add({ operation: "bring-up", seconds, problem });
}

/** One operation with what its clients saw, and whether the cluster is whole after it. */
async function measured(cluster: Cluster, prepared: Prepared, operation: Operation): Promise<void> {
  const access = accessOf((await cluster.outputs()).kubeconfig as string);
  await operation.begin?.(cluster, prepared);
  const name = operation.name.replaceAll(/[^a-z0-9]+/g, "-");
  const clients = await watch(access, {
    namespace: "default",
    name,
    intervalMs: 50,
    timeoutMs: 1_000,
    pods: false,
  });
  const outcome = await changed(cluster, prepared, operation);
  const { fresh, writes } = await clients.stop();
  const { longestMs, failed, total } = availability(fresh);
  const lost = operation.goesBack ? [] : writes.lost;
  const problem = outcome.problem ?? lostText(lost) ?? (await afterwards(cluster));
  add({
    operation: operation.name,
    seconds: outcome.seconds,
    longestMs,
    refused: failed,
    requests: total,
    writes: writes.acknowledged,
    lost: lost.length,
    problem,
  });
}

/** What was acknowledged and is not there any more, if anything. */
function lostText(lost: readonly string[]): string | undefined {
  return lost.length === 0 ? undefined : `LOST ${lost.slice(0, 3).join(", ")}`;
}

/** Carries the operation out. */
async function changed(
  cluster: Cluster,
  prepared: Prepared,
  operation: Operation,
): Promise<{ seconds: number; problem?: string }> {
  try {
    await operation.change(cluster, prepared);
    return await cluster.operate("up");
  } catch (error) {
    return { seconds: Number.NaN, problem: `FAILED: ${(error as Error).message}` };
  }
}

/** What is wrong with the cluster now, if anything. */
async function afterwards(cluster: Cluster): Promise<string | undefined> {
  try {
    await everyServerReturns(cluster, accessOf((await cluster.outputs()).kubeconfig as string));
    const findings = (await findingsOf(cluster)).filter(({ severity }) => severity !== "notice");
    if (findings.length > 0)
      return findings.map(({ node, check, found }) => `${node} ${check}: ${found}`).join("; ");
    unchanged(await cluster.operate("up"));
    return undefined;
  } catch (error) {
    return `FAILED afterwards: ${(error as Error).message}`;
  }
}

function add(row: Row): void {
  rows.push(row);
  screen.write(`  ${rowText(row).join("  ")}`);
}
