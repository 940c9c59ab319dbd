/** k3s versions: what is exact, and which step from one to another is safe. */

export interface K3sVersion {
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
  /** The number after `+k3s`. */
  readonly release: number;
}

/** Only an exact release; channels (`stable`), minors (`v1.34`) and pre-releases are not. */
export const exactVersion = /^v(\d{1,3})\.(\d{1,3})\.(\d{1,3})\+k3s(\d{1,3})$/;

/** The parts of an exact version, or undefined when it is not one. */
export function parseVersion(version: string): K3sVersion | undefined {
  const match = exactVersion.exec(version);
  if (!match) return undefined;
  const [major, minor, patch, release] = match.slice(1).map(Number) as [number, number, number, number];
  return { major, minor, patch, release };
}

/** Negative when `a` is older than `b`, zero when they are the same. */
export function compareVersions(a: K3sVersion, b: K3sVersion): number {
  return a.major - b.major || a.minor - b.minor || a.patch - b.patch || a.release - b.release;
}

/** Whether `version` comes before `than`; false where one of them is not exact. */
export function isOlder(version: string, than: string): boolean {
  const [a, b] = [parseVersion(version), parseVersion(than)];
  return a !== undefined && b !== undefined && compareVersions(a, b) < 0;
}

/**
 * Why a node that runs `from` must not be given `to`, or undefined when it may. etcd and the API do not go back,
 * and Kubernetes supports a version skew of one minor during an upgrade.
 */
export function upgradeProblem(
  from: string,
  to: string,
): { readonly wanted: string; readonly next: string } | undefined {
  const old = parseVersion(from);
  const wish = parseVersion(to);
  if (!old || !wish) return undefined;
  if (isOlder(to, from)) {
    return {
      wanted: `${from} or newer`,
      next: "k3s cannot be downgraded in place: restore a snapshot of that version in the same run (`restore`); what was written since is then lost.",
    };
  }
  if (wish.major !== old.major || wish.minor > old.minor + 1) {
    return {
      wanted: `a release of v${old.major}.${old.minor} or v${old.major}.${old.minor + 1}`,
      next: "Upgrade one minor at a time: set each version in turn and run `pulumi up`.",
    };
  }
  return undefined;
}
