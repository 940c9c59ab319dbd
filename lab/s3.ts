import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdir, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { waitFor } from "../measure/wait.ts";
import type { Lab } from "./machines/lab.ts";
import { cacheDir } from "./paths.ts";
import { type S3Access, s3Request } from "./s3-request.ts";
import { buildGo } from "./toolchain/go-build.ts";
import { type WeakLink, weakLink } from "./weak-link.ts";

/** Where the machines of a lab find the store; beside the mirror's. */
const port = 8472;

type S3Keys = Pick<S3Access, "accessKey" | "secretKey">;

/** An S3 store that the machines of a lab reach, with one bucket. It ends with the process that started it. */
export interface S3Store extends S3Access {
  readonly bucket: string;
  /** The link between the machines and the store. */
  readonly link: WeakLink;
  /** The keys of all objects in the bucket, sorted. */
  keys(): Promise<string[]>;
  /** Takes an object away behind everybody's back. */
  remove(key: string): Promise<void>;
  /** Ends the server at once; its objects stay. */
  kill(): Promise<void>;
  /** Runs the server again; with other keys, where those are given: then the machines' own do not fit. */
  start(keys?: S3Keys): Promise<void>;
  /** Ends everything and forgets the objects. */
  stop(): Promise<void>;
}

/**
 * The S3 server of the lab: Versity's gateway on a directory, built from its Go module unless it was built before. It
 * is a real server: it checks signatures, and knows buckets and multipart uploads. Measured on two busy cores with an empty
 * build cache: about 3 minutes.
 * @throws when there is no Go, or the build fails
 */
export function buildS3(onProgress: (message: string) => void): Promise<string> {
  const program = {
    title: "the lab's S3 server",
    module: join(import.meta.dirname, "s3"),
    package: "github.com/versity/versitygw/cmd/versitygw",
    sources: ["go.mod", "go.sum"],
    ldflags: "-s -w",
  };
  return buildGo(program, join(cacheDir(), "s3", "versitygw"), onProgress);
}

/** Starts a store with keys of its own at the lab's address, with an empty bucket. */
export async function startS3(lab: Lab, onProgress: (message: string) => void = () => {}): Promise<S3Store> {
  const file = await buildS3(onProgress);
  const directory = join(lab.directory, "s3");
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true });
  const access: S3Access = {
    endpoint: `${lab.hostAddress}:${port}`,
    region: "us-east-1",
    accessKey: `LAB${randomBytes(8).toString("hex").toUpperCase()}`,
    secretKey: randomBytes(24).toString("base64"),
  };
  const inner = { host: "127.0.0.1", port: await freePort() };
  const link = await weakLink({ host: lab.hostAddress, port }, inner);
  const bucket = "backups";
  let server: ReturnType<typeof run> | undefined;
  const start = async ({ accessKey, secretKey }: S3Keys = access) => {
    const now = { ...access, accessKey, secretKey };
    server ??= run(file, directory, inner.port, now);
    const { said } = server;
    await waitFor("the S3 server", () => s3Request(now, "GET", "/"), { timeoutMs: 30_000 }).catch((error) => {
      throw new Error(`${(error as Error).message}\n${said()}`);
    });
  };
  const kill = async () => {
    server?.child.kill("SIGKILL");
    await server?.ended;
    server = undefined;
  };
  const stop = async () => {
    await kill();
    await link.close();
    await rm(directory, { recursive: true, force: true });
  };
  try {
    await start();
    await s3Request(access, "PUT", `/${bucket}`);
  } catch (error) {
    await stop();
    throw error;
  }
  const keys = async () => {
    const listing = await s3Request(access, "GET", `/${bucket}`, "list-type=2");
    return [...listing.matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, key]) => key!).sort();
  };
  const remove = async (key: string) => void (await s3Request(access, "DELETE", `/${bucket}/${key}`));
  return { ...access, bucket, link, keys, remove, kill, start, stop };
}

/**
 * The keys are in its environment: arguments are for everybody to read. The kernel ends it with us, however we end.
 */
function run(file: string, directory: string, port: number, { accessKey, secretKey }: S3Keys) {
  const server = [file, "--port", `127.0.0.1:${port}`, "posix", directory];
  const child = spawn("setpriv", ["--pdeathsig", "KILL", ...server], {
    env: { PATH: process.env.PATH, ROOT_ACCESS_KEY: accessKey, ROOT_SECRET_KEY: secretKey },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (data: Buffer) => {
      said = (said + data).slice(-4000);
    });
  }
  const ended = new Promise<void>((resolve) => {
    child.once("error", () => resolve());
    child.once("close", () => resolve());
  });
  return { child, ended, said: () => said };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}
