/** Pulumi's CLI and engine: what is downloaded or built, and the oldest that is used from elsewhere (none older was tried). */
export const CLI_VERSION = "3.259.0";

/** The providers the program uses, at the versions of their SDKs in package.json. */
export const PROVIDER_VERSIONS = { command: "1.2.1", random: "4.21.2", kubernetes: "4.34.2" } as const;

export type ProviderName = keyof typeof PROVIDER_VERSIONS;

export const PROVIDERS = Object.keys(PROVIDER_VERSIONS) as ProviderName[];

/** A release archive (.tar.gz), and where the checksums of its release are published. */
export type Archive = { url: string; checksums: string };

/** Pulumi's names for this processor: the CLI's archive says `x64`, the providers' say `amd64`. */
const cliArch = process.arch;
const providerArch = process.arch === "x64" ? "amd64" : process.arch;

/** The CLI's archive: a directory `pulumi` with the CLI and its language hosts. */
export function cliArchive(): Archive {
  return {
    url: `https://get.pulumi.com/releases/sdk/pulumi-v${CLI_VERSION}-linux-${cliArch}.tar.gz`,
    checksums: `https://github.com/pulumi/pulumi/releases/download/v${CLI_VERSION}/pulumi-${CLI_VERSION}-checksums.txt`,
  };
}

/** A provider's archive: `pulumi-resource-NAME` at its top. */
export function providerArchive(name: ProviderName): Archive {
  const version = PROVIDER_VERSIONS[name];
  return {
    url: `https://get.pulumi.com/releases/plugins/pulumi-resource-${name}-v${version}-linux-${providerArch}.tar.gz`,
    checksums: `https://github.com/pulumi/pulumi-${name}/releases/download/v${version}/pulumi-${name}_${version}_checksums.txt`,
  };
}

/** Whether dotted version `found` (a leading `v` and a pre-release suffix are ignored) is at least `wanted`. */
export function atLeast(found: string, wanted: string): boolean {
  const numbers = (version: string) => version.replace(/^v/, "").split(/[-+]/)[0]!.split(".").map(Number);
  const [a, b] = [numbers(found), numbers(wanted)];
  for (let i = 0; i < 3; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return !a.some(Number.isNaN);
}
