import { createHash } from "node:crypto";
import { access, glob, mkdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { command } from "../machines/command.ts";
import { withLock } from "../machines/lock.ts";
import { cacheDir } from "../paths.ts";
import { onPath } from "./find.ts";
import { CLI_VERSION } from "./versions.ts";

/** The Go module beside this file. */
const moduleDir = import.meta.dirname;

/** What can be built, and which of the module's files it is made of. */
const targets = {
  pulumi: {
    title: "Pulumi's CLI",
    package: "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
    sources: ["go.mod", "go.sum"],
  },
  providers: {
    title: "the providers' stand-ins",
    package: "./providers",
    sources: ["go.mod", "go.sum", "providers/**/*.go"],
  },
} as const;

export type Target = keyof typeof targets;

/**
 * Builds a Go program, unless it was built from the same sources before, and gives its file. Measured on two cores with
 * an empty build cache: the CLI 3.5 minutes, the stand-ins after it half a minute.
 * @throws when there is no Go, or the build fails
 */
export async function build(target: Target, onProgress: (message: string) => void): Promise<string> {
  const { title, sources } = targets[target];
  const directory = join(cacheDir(), "toolchain");
  const file = join(directory, `${target}-${await contentHash(sources)}`);
  if (await exists(file)) return file;
  await requireGo();
  await mkdir(directory, { recursive: true });
  await withLock(
    join(directory, "build.lock"),
    async () => {
      if (!(await exists(file))) await goBuild(target, file, onProgress);
    },
    () => onProgress(`waiting for another run that builds ${title}`),
  );
  return file;
}

async function goBuild(target: Target, file: string, onProgress: (message: string) => void): Promise<void> {
  const { title, package: pkg } = targets[target];
  const go = ["go", "-C", moduleDir];
  onProgress(`building ${title} with Go, once`);
  const { stdout } = await command("nice", [...go, "list", "-deps", pkg]);
  const total = stdout.trim().split("\n").length;
  const partial = `${file}.${process.pid}`;
  let compiled = 0;
  // the version is what `pulumi version` says; without it the Automation API refuses the CLI
  const flags = `-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v${CLI_VERSION}`;
  try {
    await command("nice", [...go, "build", "-v", `-ldflags=${flags}`, "-o", partial, pkg], {
      // `-v` names each package when it is compiled; those that Go has compiled before are not named
      onLine: (line) => {
        if (!line.includes(" ")) onProgress(`building ${title}: ${++compiled} of at most ${total} packages`);
      },
    });
    await rename(partial, file);
  } finally {
    await rm(partial, { force: true });
  }
}

async function requireGo(): Promise<void> {
  const wanted = /^go (\S+)$/m.exec(await readFile(join(moduleDir, "go.mod"), "utf8"))![1]!;
  const advice =
    `Install Go ${wanted} or newer from https://go.dev/dl and put its bin directory on PATH ` +
    "(Debian's package `golang` is too old), or run on a machine that reaches https://get.pulumi.com.";
  if ((await onPath("go")) === undefined) {
    throw new Error(
      `Pulumi is not installed and cannot be downloaded, and there is no Go to build it with. ${advice}`,
    );
  }
  const { code, stderr } = await command("go", ["-C", moduleDir, "version"], { allowFailure: true });
  if (code !== 0) throw new Error(`The Go on PATH cannot build Pulumi: ${stderr.trim()}. ${advice}`);
}

/** 12 hex digits over the names and contents of the module's files that fit the patterns, and the processor. */
async function contentHash(patterns: readonly string[]): Promise<string> {
  const hash = createHash("sha256").update(process.arch);
  const files: string[] = [];
  for await (const file of glob([...patterns], { cwd: moduleDir })) {
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
