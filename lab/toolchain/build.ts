import { join } from "node:path";
import { cacheDir } from "../paths.ts";
import { buildGo } from "./go-build.ts";
import { CLI_VERSION } from "./versions.ts";

/** The Go module beside this file. */
const module = import.meta.dirname;

const targets = {
  pulumi: {
    title: "Pulumi's CLI",
    module,
    package: "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
    sources: ["go.mod", "go.sum"],
    // what `pulumi version` says; without it the Automation API refuses the CLI
    ldflags: `-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v${CLI_VERSION}`,
  },
  providers: {
    title: "the providers' stand-ins",
    module,
    package: "./providers",
    sources: ["go.mod", "go.sum", "providers/**/*.go"],
    ldflags: "-s -w",
  },
} as const;

/**
 * Builds a program of this module, unless it was built before, and gives its file. Measured on two cores with an empty
 * build cache: the CLI 3.5 minutes, the stand-ins after it one more minute.
 * @throws when there is no Go, or the build fails
 */
export function build(target: keyof typeof targets, onProgress: (message: string) => void): Promise<string> {
  return buildGo(targets[target], join(cacheDir(), "toolchain", target), onProgress);
}
