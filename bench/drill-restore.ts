/**
 * `npm run drill:restore`: is what lies off the nodes enough to have the cluster again? Machines that never ran k3s are
 * made from a snapshot that lies on this machine, and every object is compared by its UID: what was there at the
 * snapshot is back, what came later is gone. Ends with exit code 1 when that does not hold.
 *
 * With `--snapshot` it is a copy of a real cluster's: `pulumi config get backup` says where they are. Its server token
 * stands beside it in `FILE.token`. Without, the drill makes a cluster of its own first, and loses it.
 */
import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Command } from "commander";
import { Board, duration } from "../lab/board.ts";
import { type Cluster, openCluster, startOver } from "../lab/cluster.ts";
import { copyOf } from "../lab/off-node.ts";
import { compare, type Objects, objectsOf } from "../lab/oracle.ts";
import { type Prepared, prepare } from "../lab/prepare.ts";
import { heading, openScreen } from "../lab/screen.ts";
import { table } from "../lab/table.ts";
import { type Access, accessOf, api } from "../measure/kube.ts";

const options = new Command("drill:restore")
  .option("--instance <name>", "the lab to use; what is in it is lost", "drill")
  .option("--k3s <file>", "a real k3s binary, instead of the stand-in; no older than the snapshot's")
  .option("--snapshot <path>", "a snapshot of k3s, or a directory whose newest one is taken")
  .option("--kubeconfig <file>", "of the cluster that the snapshot is of: it says what must be back")
  .option("--agents <n>", "how many agents", Number, 1)
  .parse()
  .opts<{ instance: string; k3s?: string; snapshot?: string; kubeconfig?: string; agents: number }>();

/** What the drill restores, and what it then looks for. */
type Source = { file: string; takenAt: Date; snapshot: Objects; later: Objects };

/** Objects that are made before the snapshot, and as many after it. */
const marksEach = 20;

const screen = openScreen();
const rows: string[][] = [];
const began = Date.now();
const scratch = await mkdtemp(join(tmpdir(), "drill-"));
const wanted = { instance: options.instance, servers: 3, agents: options.agents };
const prepared = await prepare({ ...wanted, ...(options.k3s && { k3s: options.k3s }) }, new Board(), () => 0);
let held = false;
try {
  held = await drill();
} finally {
  await prepared.close();
  await prepared.lab.down();
  await rm(scratch, { recursive: true, force: true });
}
process.exit(held ? 0 : 1);

async function drill(): Promise<boolean> {
  heading(screen, "What is there off the nodes");
  const source = options.snapshot === undefined ? await ownCluster() : await givenSnapshot(options.snapshot);
  screen.write(`  ${source.file}, of ${source.takenAt.toISOString()}`);
  heading(screen, "New machines");
  const cluster = await timed("machines that never ran k3s", async () => {
    await startOver(prepared);
    return openCluster(prepared, new Board(), () => 0);
  });
  await cluster.configure({ more: { restore: { id: "drill", from: "file", snapshot: source.file } } });
  await timed("one `pulumi up`: restored, joined, verified", () => cluster.operate("up"));
  const now = await timed("objects read", async () => objectsOf(await adminOf(cluster)));
  return report(source, now);
}

async function timed<T>(what: string, work: () => Promise<T>): Promise<T> {
  const from = Date.now();
  const value = await work();
  rows.push([what, duration(Date.now() - from)]);
  screen.write(`  ${what}: ${duration(Date.now() - from)}`);
  return value;
}

async function adminOf(cluster: Cluster): Promise<Access> {
  return accessOf((await cluster.outputs()).kubeconfig as string);
}

/** A cluster with marks from before and after its snapshot, which is all that is kept of it. */
async function ownCluster(): Promise<Source> {
  const cluster = await bringUp(prepared);
  const admin = await adminOf(cluster);
  await marks(admin, "before");
  const snapshot = await objectsOf(admin);
  await cluster.configure({ snapshots: ["drill"] });
  await timed("its snapshot, and the copy here", () => cluster.operate("up"));
  const { file } = await copyOf(cluster.machine("server-1"), "drill", scratch);
  const takenAt = new Date();
  await marks(admin, "after");
  return { file, takenAt, snapshot, later: await objectsOf(admin) };
}

async function bringUp(prepared: Prepared): Promise<Cluster> {
  await startOver(prepared);
  const cluster = await openCluster(prepared, new Board(), () => 0);
  await cluster.configure({ snapshots: [] });
  await timed("a cluster to lose", () => cluster.operate("up"));
  return cluster;
}

async function marks(access: Access, when: string): Promise<void> {
  for (let i = 0; i < marksEach; i++) {
    const body = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: `${when}-${i}` } };
    await api(access, "POST", "/api/v1/namespaces/default/configmaps", body);
  }
}

/** A snapshot of somebody's cluster; what must be back is asked of that cluster, where it can be asked. */
async function givenSnapshot(path: string): Promise<Source> {
  const file = await newest(resolve(path));
  const takenAt = await takenOf(file);
  if (options.kubeconfig === undefined) return { file, takenAt, snapshot: new Map(), later: new Map() };
  const access = accessOf(await readFile(options.kubeconfig, "utf8"));
  return { file, takenAt, snapshot: await objectsOf(access, takenAt), later: await objectsOf(access) };
}

/** k3s puts the time of a snapshot, in seconds, at the end of its name; a copy's own time may be a later one. */
async function takenOf(file: string): Promise<Date> {
  const seconds = /-(\d{10})$/.exec(file)?.[1];
  return seconds === undefined ? (await stat(file)).mtime : new Date(Number(seconds) * 1000);
}

async function newest(path: string): Promise<string> {
  if (!(await stat(path)).isDirectory()) return path;
  const names = (await readdir(path)).filter((name) => !/\.(token|json|part)$/.test(name));
  const taken = await Promise.all(
    names.map(async (name) => ({ file: join(path, name), at: await takenOf(join(path, name)) })),
  );
  const last = taken.toSorted((a, b) => a.at.getTime() - b.at.getTime()).at(-1);
  if (!last) throw new Error(`--snapshot ${path}: found no file there, want a directory of snapshots`);
  return last.file;
}

function report({ snapshot, later }: Source, now: Objects): boolean {
  const { back, missing, gone, left } = compare(snapshot, later, now);
  heading(screen, "The drill");
  rows.push(["all in all", duration(Date.now() - began)]);
  rows.push(["objects there now", String(now.size)]);
  if (snapshot.size > 0) {
    rows.push(["there at the snapshot, and back", `${back.length} of ${snapshot.size}`]);
    rows.push(["written later, and gone", `${gone.length} of ${gone.length + left.length}`]);
  }
  for (const line of table(["what", "result"], rows, screen.look)) screen.write(line);
  for (const key of missing) screen.write(`  MISSING ${key}`);
  for (const key of left) screen.write(`  STILL THERE ${key}`);
  const held = missing.length === 0 && left.length === 0;
  const verdict = held
    ? "what was there at the snapshot is back, what came later is gone"
    : "NOT what was there";
  screen.write(
    `  ${snapshot.size === 0 ? "restored; without --kubeconfig nobody says what was there" : verdict}`,
  );
  return held;
}
