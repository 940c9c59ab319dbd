import { delimiter, dirname } from "node:path";
import type { Board } from "./board.ts";
import { command } from "./machines/command.ts";
import { Lab } from "./machines/lab.ts";
import { buildStandin, release, type StandinRelease, serveMirror } from "./standin/mirror.ts";
import { task } from "./task.ts";
import { ensureToolchain, type Toolchain } from "./toolchain/toolchain.ts";
import { type Topology, topologyOf } from "./topology.ts";

/** A k3s release that the nodes can download. */
export type Release = {
  version: string;
  arch: "amd64" | "arm64";
  /** Of the binary. */
  sha256: string;
  mirror: string;
  /** Whether it is the lab's stand-in and not k3s. */
  standin: boolean;
};

/** Everything that machines and program need. */
export type Prepared = {
  lab: Lab;
  topology: Topology;
  release: Release;
  /** All that the mirror serves, in the order in which they were wanted; the first is `release`. */
  releases: readonly Release[];
  /** Environment of Pulumi: where its CLI and providers are. */
  env: Record<string, string>;
  /** What a reader should know: what was stood in for. */
  notes: string[];
  close(): Promise<void>;
};

/** What to prepare. */
export type Wanted = {
  instance: string;
  servers: number;
  agents: number;
  /** A real k3s binary. */
  k3s?: string;
  /** Versions that the stand-in plays; the first is the one that is installed. */
  versions?: readonly string[];
};

/** Rows of the board. */
export const preparing = ["machines", "pulumi", "k3s"] as const;

/** The release of the repository's lab stack: there is nothing about it that the lab depends on. */
const standinVersion = "v1.34.2+k3s1";
/** The same on every run: the address is part of what the nodes were told. */
const mirrorPort = 8471;

/** Gets machines, Pulumi and k3s ready, all three at the same time; what was made before is used again. */
export async function prepare(wanted: Wanted, board: Board, now: () => number): Promise<Prepared> {
  const [lab, toolchain, releases] = await Promise.all([
    task(board, now, "machines", (say) => openLab(wanted.instance, say), describeLab),
    task(board, now, "pulumi", (onProgress) => ensureToolchain({ onProgress }), describeToolchain),
    task(
      board,
      now,
      "k3s",
      (say) => releasesOf(wanted, say),
      ([first]) => describeRelease(first!, wanted),
    ),
  ]);
  const topology = topologyOf(lab.hostAddress, wanted.servers, wanted.agents);
  const mirror = await serveMirror({ address: lab.hostAddress, port: mirrorPort, releases }).catch(
    (error: Error) => {
      throw new Error(
        `${error.message}. Most likely another run works on the lab ${wanted.instance}: wait for its end`,
      );
    },
  );
  const standin = wanted.k3s === undefined;
  const served = releases.map(
    ({ version, sha256 }): Release => ({
      version,
      sha256,
      mirror: mirror.url,
      standin,
      arch: process.arch === "arm64" ? "arm64" : "amd64",
    }),
  );
  return {
    lab,
    topology,
    release: served[0]!,
    releases: served,
    env: pulumiEnv(toolchain),
    notes: notes(toolchain, standin),
    close: () => mirror.close(),
  };
}

async function openLab(instance: string, onProgress: (text: string) => void): Promise<Lab> {
  const lab = await Lab.open({ instance, onProgress });
  await lab.ready();
  return lab;
}

async function releasesOf(wanted: Wanted, say: (text: string) => void): Promise<StandinRelease[]> {
  if (wanted.k3s !== undefined) return [await realRelease(wanted.k3s)];
  const base = await buildStandin({ onProgress: say });
  const versions = wanted.versions ?? [standinVersion];
  return Promise.all(versions.map((version) => release(base, version)));
}

/** A binary that somebody has: it says itself which release it is. */
async function realRelease(file: string): Promise<StandinRelease> {
  const { stdout, code } = await command(file, ["--version"], { allowFailure: true });
  const version = /^k3s version (v\S+)/m.exec(stdout)?.[1];
  if (code !== 0 || !version)
    throw new Error(
      `--k3s ${file}: found ${JSON.stringify(stdout.slice(0, 80))} as its version, want a k3s binary`,
    );
  const { stdout: sum } = await command("sha256sum", [file]);
  return { version, path: file, sha256: sum.split(" ")[0]! };
}

/** Steps on the machine where Pulumi runs call `node`: it must be the one that runs now. */
export function pulumiEnv({ env }: Toolchain): Record<string, string> {
  const path = [dirname(process.execPath), env.PATH ?? process.env.PATH ?? ""].join(delimiter);
  return { ...env, PATH: path };
}

const describeLab = (lab: Lab) => `${lab.network.cidr} on bridge ${lab.network.bridge}`;

function describeToolchain({ pulumi, providers }: Toolchain): string {
  const origins = Object.entries(providers).map(([name, { origin }]) => `${name} ${origin}`);
  return [`engine ${pulumi.origin}`, ...origins].join(", ");
}

function describeRelease(found: StandinRelease, { k3s }: Wanted): string {
  return k3s === undefined ? `stand-in that plays ${found.version}` : `${found.version} from ${k3s}`;
}

/** Figures of a stand-in are not figures of what it stands in for; whoever reads them must know. */
function notes({ providers }: Toolchain, standin: boolean): string[] {
  const stoodIn = Object.entries(providers)
    .filter(([, { origin }]) => origin === "stand-in")
    .map(([name]) => name);
  const list = [];
  if (standin)
    list.push(
      "k3s is stood in for: etcd and the API server are the real ones, but no pods run. Real k3s: --k3s FILE",
    );
  if (stoodIn.length > 0)
    list.push(`Pulumi's engine is real; stood in for are the providers ${stoodIn.join(", ")}`);
  return list;
}
