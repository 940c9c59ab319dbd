import { createHash } from "node:crypto";
import { access, mkdir, mkdtemp, rename, rm, symlink } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { cacheDir } from "../paths.ts";
import { build } from "./build.ts";
import { download } from "./download.ts";
import { installedCli, installedLanguageHost, installedProvider } from "./find.ts";
import {
  CLI_VERSION,
  cliArchive,
  PROVIDER_VERSIONS,
  PROVIDERS,
  type ProviderName,
  providerArchive,
} from "./versions.ts";

/**
 * Where a program is from: installed on this machine, downloaded from Pulumi, built from Pulumi's own sources, or our
 * stand-in for a provider.
 */
export type Origin = "path" | "downloaded" | "built" | "stand-in";

export type Tool = { path: string; origin: Origin };

/** All that is needed to run the program. */
export type Toolchain = {
  pulumi: Tool;
  providers: Record<ProviderName, Tool>;
  /** What a plain `pulumi up` needs beside them; undefined where there is none, which the lab does without. */
  languageHost?: string;
  /** A directory with all of them under the names by which Pulumi finds them. */
  binDir: string;
  /** Environment for Pulumi: these tools first on `PATH`, and no network access for updates or plug-ins. */
  env: Record<string, string>;
};

export type ToolchainOptions = {
  /** Told what is going on, and why something installed is not used. */
  onProgress?: (message: string) => void;
};

/**
 * Finds Pulumi's CLI and the providers: what is installed, else the official downloads, else what Go builds: the CLI
 * from its own sources, and our stand-ins for providers. Downloads and builds are kept in the cache; the first build
 * takes minutes, everything later well below a second.
 * @throws when something can neither be downloaded nor built; the message says what to install
 */
export async function ensureToolchain({ onProgress = () => {} }: ToolchainOptions = {}): Promise<Toolchain> {
  const pulumi = await ensureCli(onProgress);
  const providers = {} as Record<ProviderName, Tool>;
  for (const name of PROVIDERS) providers[name] = await ensureProvider(name, onProgress);
  const languageHost = await installedLanguageHost(pulumi.path);
  const binDir = await linkAll(pulumi, providers, languageHost);
  return { pulumi, providers, ...(languageHost && { languageHost }), binDir, env: pulumiEnv(binDir) };
}

async function ensureCli(onProgress: (message: string) => void): Promise<Tool> {
  const installed = await installedCli(onProgress);
  if (installed !== undefined) return { path: installed, origin: "path" };
  const directory = join(cacheDir(), "toolchain", `pulumi-v${CLI_VERSION}`);
  const path = join(directory, "pulumi", "pulumi");
  if ((await exists(path)) || (await download(cliArchive(), directory, onProgress))) {
    return { path, origin: "downloaded" };
  }
  return { path: await build("pulumi", onProgress), origin: "built" };
}

async function ensureProvider(name: ProviderName, onProgress: (message: string) => void): Promise<Tool> {
  const installed = await installedProvider(name);
  if (installed !== undefined) return { path: installed, origin: "path" };
  const directory = join(cacheDir(), "toolchain", `resource-${name}-v${PROVIDER_VERSIONS[name]}`);
  const path = join(directory, `pulumi-resource-${name}`);
  if ((await exists(path)) || (await download(providerArchive(name), directory, onProgress))) {
    return { path, origin: "downloaded" };
  }
  return { path: await build("providers", onProgress), origin: "stand-in" };
}

/** A directory of links, named after what they point to: runs with other tools do not disturb each other. */
async function linkAll(
  pulumi: Tool,
  providers: Record<ProviderName, Tool>,
  languageHost: string | undefined,
): Promise<string> {
  const links = [["pulumi", pulumi.path]];
  if (languageHost !== undefined) links.push(["pulumi-language-nodejs", languageHost]);
  for (const name of PROVIDERS) links.push([`pulumi-resource-${name}`, providers[name].path]);
  const hash = createHash("sha256").update(JSON.stringify(links)).digest("hex").slice(0, 12);
  const parent = join(cacheDir(), "toolchain");
  const directory = join(parent, `bin-${hash}`);
  if (await exists(directory)) return directory;
  await mkdir(parent, { recursive: true });
  const partial = await mkdtemp(`${directory}.`);
  for (const [name, target] of links) await symlink(target!, join(partial, name!));
  // another run may have been faster: its links are the same
  await rename(partial, directory).catch(() => rm(partial, { recursive: true }));
  return directory;
}

function pulumiEnv(binDir: string): Record<string, string> {
  return {
    PATH: [binDir, process.env.PATH ?? ""].join(delimiter),
    PULUMI_SKIP_UPDATE_CHECK: "true",
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
  };
}

function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
