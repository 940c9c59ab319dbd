import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { access, appendFile, copyFile, rename, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { cacheDir } from "../paths.ts";
import { buildGo } from "../toolchain/go-build.ts";

/** A binary of one version of k3s: a copy of the stand-in that plays it, or a real one. */
export interface ReleaseFile {
  version: string;
  path: string;
  /** Of the file, hex. */
  sha256: string;
}

/**
 * Builds the stand-in, unless it was built from the same sources before, and gives its file. Measured on two cores with
 * an empty build cache: about 4 minutes (kube-apiserver, controller manager and scheduler are in it).
 * @throws when there is no Go, or the build fails
 */
export function buildStandin(options: { onProgress: (message: string) => void }): Promise<string> {
  const program = {
    title: "the k3s stand-in",
    module: import.meta.dirname,
    package: ".",
    sources: ["go.mod", "go.sum", "**/*.go"],
    ldflags: "-s -w",
  };
  return buildGo(program, join(cacheDir(), "standin", "base"), options.onProgress);
}

/** The last line of a release: it makes the binary play this version. */
export function trailer(version: string): string {
  if (!/^v\d+\.\d+\.\d+(-[0-9A-Za-z.]+)?\+k3s\d+$/.test(version)) {
    throw new Error(`k3s version: found ${JSON.stringify(version)}, want one like v1.34.2+k3s1`);
  }
  return `\nK3S-STANDIN-VERSION=${version}\n`;
}

/** Makes a release from the base binary, kept beside it. */
export async function release(base: string, version: string): Promise<ReleaseFile> {
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
  releases: readonly ReleaseFile[];
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

function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
