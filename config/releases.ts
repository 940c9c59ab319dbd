/** Architectures that k3s publishes and this program installs. */
export type Architecture = "amd64" | "arm64";

export type Checksums = { readonly [arch in Architecture]?: string | undefined };

/**
 * sha256 of the release binaries `k3s` (amd64) and `k3s-arm64`, as the release's own `sha256sum-<arch>.txt` gives
 * them. Each line was compared with at least two independent public projects that pin the same release; a version
 * that could not be compared is not listed, and its sums must be given in the stack.
 */
export const pinnedReleases: Readonly<Record<string, Checksums>> = {
  "v1.34.2+k3s1": {
    amd64: "15811d34187e03fe29d0e46108c42cc33e62cec1b3d9d80f50944536ebcad40a",
    arm64: "2e1db0e54a8b0d0ab8a264a119c9c617561f9290e7bb2722d795f8bc91b24cf8",
  },
  "v1.34.11+k3s1": {
    amd64: "c1991a83985375d318560ac10f2def2fa117995d94d0319d801f283ca074d1b0",
    arm64: "272f45b9efc69d0bbdb7042156156c6903087829a5003d4593af0ad2d08d76d4",
  },
  "v1.35.8+k3s1": {
    amd64: "12f81c9bb5b71e098a4f7a2d187e350902a9339a6c3d5e56c20a03f7a417e07f",
    arm64: "898476e008704289382377ef19946f23b511cf2678042cb5c8aef991e64f840a",
  },
  "v1.36.4+k3s1": {
    amd64: "835873f37245fc615f547a2fe2af9402a347875f13fa64a1f136de644955ea3f",
    arm64: "c920706346d5ad4e5cd3c7bf1bb09ce71ebe07fec829e513e40f1caf98aed8bb",
  },
};

/** Where the project publishes its releases. */
export const officialMirror = "https://github.com/k3s-io/k3s/releases/download";

/** The sums that a node must check: what is pinned here, overridden by what the stack gives. */
export function checksumsFor(version: string, stack: Checksums | undefined): Checksums {
  return { ...pinnedReleases[version], ...stack };
}

/** Where the published sums of a version are, for an error message. */
export function checksumUrl(version: string, arch: Architecture): string {
  return `${officialMirror}/${encodeURIComponent(version)}/sha256sum-${arch}.txt`;
}
