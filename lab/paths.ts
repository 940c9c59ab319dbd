import { join } from "node:path";

/** Parent of every lab instance's own directory. Not configurable: whoever cleans up must know where to look. */
export const LAB_ROOT = "/var/lib/homelab-k3s-lab";

/**
 * Where what is expensive to make and safe to delete is kept between runs: the machines' root file system, built tools.
 * `$XDG_CACHE_HOME/homelab-k3s` when that variable is an absolute path (the XDG rule), else `/var/cache/homelab-k3s`.
 * The directory is not created here.
 */
export function cacheDir(): string {
  const base = process.env.XDG_CACHE_HOME;
  return join(base?.startsWith("/") ? base : "/var/cache", "homelab-k3s");
}

/**
 * The directory that holds everything of one lab instance (machines, keys, Pulumi state, logs, mirror); `Lab.down()` removes it.
 * The directory is not created here.
 * @throws when the name is not 1 to 32 lower-case letters, digits and inner hyphens: it becomes part of paths.
 */
export function labDir(instance: string): string {
  if (!/^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/.test(instance)) {
    throw new Error(
      `lab instance: found ${JSON.stringify(instance)}, want 1 to 32 lower-case letters, digits and inner hyphens`,
    );
  }
  return join(LAB_ROOT, instance);
}

/** Below the directory of an instance: everything of Pulumi's. */
export const pulumiDirectory = "pulumi";
