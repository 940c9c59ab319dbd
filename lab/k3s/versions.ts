import { compareVersions, parseVersion } from "../../config/version.ts";

/** Exact versions, the oldest first. What is not one is left out. */
export function oldestFirst(versions: readonly string[]): string[] {
  return versions
    .flatMap((version) => {
      const parsed = parseVersion(version);
      return parsed ? [{ version, parsed }] : [];
    })
    .sort((a, b) => compareVersions(a.parsed, b.parsed))
    .map(({ version }) => version);
}

/** Versions by minor, the oldest first in both. */
function byMinor(versions: readonly string[]): { minor: number; versions: string[] }[] {
  const minors = new Map<number, string[]>();
  for (const version of oldestFirst([...new Set(versions)])) {
    const { minor } = parseVersion(version)!;
    minors.set(minor, [...(minors.get(minor) ?? []), version]);
  }
  return [...minors].map(([minor, those]) => ({ minor, versions: those }));
}

/**
 * Releases that stand to each other as `wanted` do: the same steps from minor to minor and from patch to patch. Of several
 * answers the oldest.
 * @returns in the order of `wanted`, or undefined when `there` has no such releases
 */
export function alike(wanted: readonly string[], there: readonly string[]): string[] | undefined {
  const wish = byMinor(wanted);
  const found = byMinor(there);
  const stands = found.find(({ minor: first }) =>
    wish.every((one) => {
      const same = found.find(({ minor }) => minor - first === one.minor - wish[0]!.minor);
      return (same?.versions.length ?? 0) >= one.versions.length;
    }),
  );
  if (!stands) return undefined;
  const offset = stands.minor - wish[0]!.minor;
  return wanted.map((version) => {
    const { minor } = parseVersion(version)!;
    const place = wish.find((one) => one.minor === minor)!.versions.indexOf(version);
    return found.find((one) => one.minor === minor + offset)!.versions[place]!;
  });
}
