import { access, constants, realpath } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, dirname, join, sep } from "node:path";
import { command } from "../machines/command.ts";
import { cacheDir } from "../paths.ts";
import { atLeast, CLI_VERSION, PROVIDER_VERSIONS, type ProviderName } from "./versions.ts";

const pulumiHome = () => process.env.PULUMI_HOME ?? join(homedir(), ".pulumi");

/** A CLI that is installed and recent enough; the first of `PATH`, then `~/.pulumi/bin`. Says why one is not used. */
export async function installedCli(onProgress: (message: string) => void): Promise<string | undefined> {
  for (const file of [await onPath("pulumi"), await executable(join(pulumiHome(), "bin", "pulumi"))]) {
    if (file === undefined) continue;
    const { stdout } = await command(file, ["version"], {
      env: { PULUMI_SKIP_UPDATE_CHECK: "true" },
      allowFailure: true,
    });
    const version = stdout.trim();
    if (atLeast(version, CLI_VERSION)) return file;
    onProgress(
      `pulumi: ${file} is ${version || "of an unknown version"}, older than ${CLI_VERSION}: not used (upgrade it to use it)`,
    );
  }
  return undefined;
}

const languageHost = "pulumi-language-nodejs";

/**
 * The host that runs this program for a plain `pulumi up`: the first of `PATH`, that of `~/.pulumi/bin`, or the one that
 * came with the CLI. The lab itself runs the program without one.
 */
export async function installedLanguageHost(cli: string): Promise<string | undefined> {
  const beside = join(dirname(await realpath(cli)), languageHost);
  return (
    (await onPath(languageHost)) ??
    (await executable(join(pulumiHome(), "bin", languageHost))) ??
    (await executable(beside))
  );
}

/** A provider that is installed: the first of `PATH`, whatever its version; then that of the SDK in `~/.pulumi/plugins`. */
export async function installedProvider(name: ProviderName): Promise<string | undefined> {
  const program = `pulumi-resource-${name}`;
  const plugin = join(pulumiHome(), "plugins", `resource-${name}-v${PROVIDER_VERSIONS[name]}`, program);
  return (await onPath(program)) ?? (await executable(plugin));
}

/** The first executable of this name on `PATH` that is not one which this toolchain has put there itself. */
export async function onPath(program: string): Promise<string | undefined> {
  const cache = await realpath(cacheDir()).catch(() => cacheDir());
  for (const directory of (process.env.PATH ?? "").split(delimiter)) {
    const file = directory && (await executable(join(directory, program)));
    if (file && !(await realpath(file)).startsWith(cache + sep)) return file;
  }
  return undefined;
}

async function executable(file: string): Promise<string | undefined> {
  return access(file, constants.X_OK).then(
    () => file,
    () => undefined,
  );
}
