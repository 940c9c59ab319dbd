import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import {
  access,
  appendFile,
  copyFile,
  glob,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
} from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { command } from "../machines/command.ts";
import { withLock } from "../machines/lock.ts";
import { cacheDir } from "../paths.ts";
import { onPath } from "../toolchain/find.ts";

/** The Go module beside this file. */
const moduleDir = import.meta.dirname;

/** A copy of the stand-in that plays one version of k3s. */
export interface StandinRelease {
  version: string;
  path: string;
  /** Of the file, hex. */
  sha256: string;
}

/**
 * Builds the stand-in, unless it was built from the same sources before, and gives its file.
 * Measured on two cores with an empty build cache: about 4 minutes (kube-apiserver, controller manager and scheduler are in it).
 * @throws when there is no Go, or the build fails
 */
export async function buildStandin(options: { onProgress: (message: string) => void }): Promise<string> {
  const directory = join(cacheDir(), "standin");
  const file = join(directory, `base-${await contentHash()}`);
  await mkdir(directory, { recursive: true });
  await forgetOld(directory);
  if (await exists(file)) return file;
  await withLock(
    join(directory, "build.lock"),
    async () => {
      if (!(await exists(file))) await goBuild(file, options.onProgress);
    },
    () => options.onProgress("waiting for another run that builds the k3s stand-in"),
  );
  return file;
}

/** What was built and not used for this long is deleted: each build and each release is 170 MB. */
const keepMs = 3 * 24 * 3600 * 1000;

async function forgetOld(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    const file = join(directory, name);
    const { atimeMs, mtimeMs } = await stat(file);
    if (name.startsWith("base-") && Date.now() - Math.max(atimeMs, mtimeMs) > keepMs) await rm(file);
  }
}

async function requireGo(): Promise<void> {
  const advice =
    "Install Go 1.26 or newer from https://go.dev/dl and put its bin directory on PATH, or give a real k3s with --k3s FILE.";
  if ((await onPath("go")) === undefined) {
    throw new Error(
      `k3s cannot be downloaded here, and there is no Go to build its stand-in with. ${advice}`,
    );
  }
  const { code, stderr } = await command("go", ["-C", moduleDir, "version"], { allowFailure: true });
  if (code !== 0)
    throw new Error(`The Go on PATH cannot build the k3s stand-in: ${stderr.trim()}. ${advice}`);
}

async function goBuild(file: string, onProgress: (message: string) => void): Promise<void> {
  const go = ["go", "-C", moduleDir];
  await requireGo();
  onProgress("building the k3s stand-in with Go, once");
  const partial = `${file}.${process.pid}`;
  try {
    const { stdout } = await command("nice", [...go, "list", "-deps", "."]);
    const total = stdout.trim().split("\n").length;
    let compiled = 0;
    await command("nice", [...go, "build", "-v", "-trimpath", "-ldflags=-s -w", "-o", partial, "."], {
      // `-v` names each package when it is compiled; those that Go has compiled before are not named
      onLine: (line) => {
        if (!line.includes(" "))
          onProgress(`building the k3s stand-in: ${++compiled} of at most ${total} packages`);
      },
    });
    await rename(partial, file);
  } finally {
    await rm(partial, { force: true });
  }
}

/** The last line of a release: it makes the binary play this version. */
export function trailer(version: string): string {
  if (!/^v\d+\.\d+\.\d+(-[0-9A-Za-z.]+)?\+k3s\d+$/.test(version)) {
    throw new Error(`k3s version: found ${JSON.stringify(version)}, want one like v1.34.2+k3s1`);
  }
  return `\nK3S-STANDIN-VERSION=${version}\n`;
}

/** Makes a release from the base binary, kept beside it. */
export async function release(base: string, version: string): Promise<StandinRelease> {
  const line = trailer(version);
  const path = `${base}-${version}`;
  if (!(await exists(path))) {
    const partial = `${path}.${process.pid}`;
    try {
      await copyFile(base, partial);
      await appendFile(partial, line);
      await rename(partial, path);
    } finally {
      await rm(partial, { force: true });
    }
  }
  return { version, path, sha256: await sha256(path) };
}

/** What a mirror serves, and how it is stopped. */
export interface Mirror {
  /** The prefix of `<version>/k3s`. */
  url: string;
  close(): Promise<void>;
}

/**
 * Serves releases for this machine's processor like GitHub does: `<version>/k3s` and `<version>/sha256sum-amd64.txt`
 * (`k3s-arm64`, `sha256sum-arm64.txt`), the `+` of the version as it is or as `%2B`. Ranges are not served: what is interrupted starts again.
 * @param options.port 0 for a free one
 */
export async function serveMirror(options: {
  address: string;
  port: number;
  releases: readonly StandinRelease[];
}): Promise<Mirror> {
  // the names that a release has for this processor
  const [binary, sums] =
    process.arch === "arm64" ? ["k3s-arm64", "sha256sum-arm64.txt"] : ["k3s", "sha256sum-amd64.txt"];
  const byVersion = new Map(options.releases.map((one) => [one.version, one]));
  const server = createServer(async (request, response) => {
    const [version, name] = decodeURIComponent(request.url ?? "/")
      .split("?")[0]!
      .split("/")
      .slice(1);
    const found = byVersion.get(version ?? "");
    if (found !== undefined && name === binary) {
      response.writeHead(200, { "content-type": "application/octet-stream" });
      await pipeline(createReadStream(found.path), response).catch(() => response.destroy());
    } else if (found !== undefined && name === sums) {
      response.end(`${found.sha256}  ${binary}\n`);
    } else {
      response.writeHead(404).end("Not Found\n");
    }
  });
  await listen(server, options.port, options.address);
  const bound = server.address();
  const port = typeof bound === "object" && bound !== null ? bound.port : options.port;
  return {
    url: `http://${options.address}:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server, port: number, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error) =>
      reject(new Error(`mirror: cannot listen on ${address}:${port}: ${error.message}`)),
    );
    server.listen(port, address, resolve);
  });
}

async function sha256(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}

/** 12 hex digits over the names and contents of the module's files, and the processor. */
async function contentHash(): Promise<string> {
  const hash = createHash("sha256").update(process.arch);
  const files: string[] = [];
  for await (const file of glob(["go.mod", "go.sum", "**/*.go"], { cwd: moduleDir })) {
    if (!file.endsWith("_test.go")) files.push(file);
  }
  for (const file of files.sort()) hash.update(`\0${file}\0`).update(await readFile(join(moduleDir, file)));
  return hash.digest("hex").slice(0, 12);
}

function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
