import { createHash } from "node:crypto";
import { access, glob, mkdir, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { command } from "../machines/command.ts";
import { withLock } from "../machines/lock.ts";
import { onPath } from "./find.ts";

/** A program of a Go module of ours. */
export type GoProgram = {
  /** What it is called in messages, such as `the k3s stand-in`. */
  title: string;
  /** Directory with its go.mod. */
  module: string;
  /** Import path, or a path in the module beginning with `./`. */
  package: string;
  /** What it is made of: patterns of files in the module. Tests are left out. */
  sources: readonly string[];
  ldflags: string;
};

/** Go's compiler collects its garbage later than by default: measured on the standard library, a sixth less time. */
const collectLater = "400";

/** A build that no run has asked for this long goes when a newer one is made: each has 60 to 170 MB. */
const keepMs = 7 * 24 * 3600 * 1000;

/**
 * Builds a program, unless it was built from the same sources before, and gives its file: `PREFIX-` and 12 hex digits.
 * Runs at the same time wait for each other; an interrupted build leaves nothing behind but Go's own cache.
 * @throws when there is no Go, or the build fails
 */
export async function buildGo(
  program: GoProgram,
  prefix: string,
  onProgress: (message: string) => void,
): Promise<string> {
  const file = `${prefix}-${await contentHash(program)}`;
  if (await exists(file)) return file;
  await requireGo(program);
  await mkdir(dirname(file), { recursive: true });
  await withLock(
    join(dirname(file), "build.lock"),
    async () => {
      if (await exists(file)) return;
      await compile(program, file, onProgress);
      await forgetOld(prefix);
    },
    () => onProgress(`waiting for another run that builds ${program.title}`),
  );
  return file;
}

async function compile(
  program: GoProgram,
  file: string,
  onProgress: (message: string) => void,
): Promise<void> {
  const go = ["go", "-C", program.module];
  onProgress(`building ${program.title} with Go, once`);
  const { stdout } = await command("nice", [...go, "list", "-deps", program.package]);
  const total = stdout.trim().split("\n").length;
  const partial = `${file}.${process.pid}`;
  let compiled = 0;
  try {
    await command(
      "nice",
      [...go, "build", "-v", `-ldflags=${program.ldflags}`, "-o", partial, program.package],
      {
        env: { GOGC: process.env.GOGC ?? collectLater },
        // `-v` names each package when it is compiled; those that Go has compiled before are not named
        onLine: (line) => {
          if (!line.includes(" ")) {
            onProgress(`building ${program.title}: ${++compiled} of at most ${total} packages`);
          }
        },
      },
    );
    await rename(partial, file);
  } finally {
    await rm(partial, { force: true });
  }
}

async function requireGo({ title, module }: GoProgram): Promise<void> {
  const wanted = /^go (\S+)$/m.exec(await readFile(join(module, "go.mod"), "utf8"))![1]!;
  const advice =
    `Install Go ${wanted} or newer from https://go.dev/dl and put its bin directory on PATH ` +
    "(Debian's package `golang` is too old), or run where what it stands for can be downloaded.";
  if ((await onPath("go")) === undefined) {
    throw new Error(`${title} must be built here, and there is no Go to build it with. ${advice}`);
  }
  const { code, stderr } = await command("go", ["-C", module, "version"], { allowFailure: true });
  if (code !== 0) throw new Error(`The Go on PATH cannot build ${title}: ${stderr.trim()}. ${advice}`);
}

/** Over the names and contents of the sources, the flags, and the processor. */
async function contentHash({ module, sources, ldflags }: GoProgram): Promise<string> {
  const hash = createHash("sha256").update(`${process.arch}\0${ldflags}`);
  const files: string[] = [];
  for await (const file of glob([...sources], { cwd: module })) {
    if (!file.endsWith("_test.go")) files.push(file);
  }
  for (const file of files.sort()) hash.update(`\0${file}\0`).update(await readFile(join(module, file)));
  return hash.digest("hex").slice(0, 12);
}

async function forgetOld(prefix: string): Promise<void> {
  for (const name of await readdir(dirname(prefix))) {
    if (!name.startsWith(`${basename(prefix)}-`)) continue;
    const file = join(dirname(prefix), name);
    const { atimeMs, mtimeMs } = await stat(file);
    if (Date.now() - Math.max(atimeMs, mtimeMs) > keepMs) await rm(file);
  }
}

function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
