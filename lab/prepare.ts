import { delimiter, dirname } from "node:path";
import type { Board } from "./board.ts";
import { architecture } from "./k3s/cache.ts";
import { type FoundK3s, findK3s } from "./k3s/find.ts";
import { type PodPlan, podPlan } from "./k3s/plan.ts";
import { settingsOfHost } from "./machines/equipment.ts";
import { Lab } from "./machines/lab.ts";
import { keepK3s, keptK3s } from "./machines/registry.ts";
import { serveMirror } from "./standin/mirror.ts";
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
  /** What the images on the machines' disks allow; undefined where no container runs, and none is needed. */
  pods?: PodPlan;
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
  /** `real`, `standin`, `any` (real where it can be had) or the file of a real binary. Default: {@link usualK3s}. */
  k3s?: string;
  /** Archives of container images for a real k3s, beside those that the lab finds. */
  images?: readonly string[];
  /** Versions that the stand-in plays; a real k3s has releases that stand to each other in the same way. */
  versions?: readonly string[];
};

/** What tests and benchmarks run on: the stand-in, which is quick and equal on every host, or what `LAB_K3S` says. */
export const usualK3s = process.env.LAB_K3S || "standin";

/** Rows of the board. */
export const preparing = ["machines", "pulumi", "k3s"] as const;

/** The release of the repository's lab stack: there is nothing about it that the lab depends on. */
const standinVersion = "v1.34.2+k3s1";
/** The same on every run: the address is part of what the nodes were told. */
const mirrorPort = 8471;

/** Gets machines, Pulumi and k3s ready, all three at the same time; what was made before is used again. */
export async function prepare(wanted: Wanted, board: Board, now: () => number): Promise<Prepared> {
  const [lab, toolchain, k3s] = await Promise.all([
    task(board, now, "machines", (say) => openLab(wanted.instance, say), describeLab),
    task(board, now, "pulumi", (onProgress) => ensureToolchain({ onProgress }), describeToolchain),
    task(
      board,
      now,
      "k3s",
      (say) => k3sOf(wanted, say),
      ({ from }) => from,
    ),
  ]);
  const { standin, archives, releases } = k3s;
  await keepK3s(lab.instance, { ...releases[0]!, standin, archives });
  const topology = topologyOf(lab.hostAddress, wanted.servers, wanted.agents);
  const mirror = await serveMirror({ address: lab.hostAddress, port: mirrorPort, releases }).catch(
    (error: Error) => {
      throw new Error(
        `${error.message}. Most likely another run works on the lab ${wanted.instance}: wait for its end`,
      );
    },
  );
  const served = releases.map(
    ({ version, sha256 }): Release => ({ version, sha256, mirror: mirror.url, standin, arch: architecture }),
  );
  const pods = standin ? undefined : podPlan(k3s.images);
  return {
    lab,
    topology,
    release: served[0]!,
    releases: served,
    ...(pods && { pods }),
    env: pulumiEnv(toolchain),
    notes: [...k3s.notes, ...(pods ? [...pods.notes, ...(await hostNotes())] : []), ...toolNotes(toolchain)],
    close: () => mirror.close(),
  };
}

async function openLab(instance: string, onProgress: (text: string) => void): Promise<Lab> {
  const lab = await Lab.open({ instance, onProgress });
  await lab.ready();
  return lab;
}

/** @throws when the machines of the lab have another kind of k3s than is asked for */
async function k3sOf(wanted: Wanted, say: (text: string) => void): Promise<FoundK3s> {
  const { instance, k3s = usualK3s, images = [], versions = [standinVersion] } = wanted;
  const kept = await keptK3s(instance);
  const found = await findK3s({ k3s, images, versions }, kept, say);
  if (kept && kept.standin !== found.standin) {
    const name = (standin: boolean) => (standin ? "the stand-in" : "a real k3s");
    throw new Error(
      `lab ${instance}: found machines with ${name(kept.standin)}, want ${name(found.standin)}: one does not take over the other's data. ` +
        `Remove the lab first (npm run lab:down -- --instance ${instance}), or take another --instance`,
    );
  }
  return found;
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

const hostNotes = async () =>
  (await settingsOfHost()).map(
    ({ why }) => `set on the machines, since they are containers of this host: ${why}`,
  );

/** Figures of a stand-in are not figures of what it stands in for; whoever reads them must know. */
function toolNotes({ providers }: Toolchain): string[] {
  const stoodIn = Object.entries(providers)
    .filter(([, { origin }]) => origin === "stand-in")
    .map(([name]) => name);
  return stoodIn.length === 0
    ? []
    : [`Pulumi's engine is real; stood in for are the providers ${stoodIn.join(", ")}`];
}
