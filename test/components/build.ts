import * as pulumi from "@pulumi/pulumi";
import { K3sCluster } from "../../components/K3sCluster.ts";
import { requireCluster } from "../../config/parse.ts";
import { exampleInput } from "../unit/example.ts";
import { canary } from "./answers.ts";
import { type RunOptions, runProgram } from "./engine.ts";

export const sshKey = `${canary}SshKey`;

/** The keys of the store, when the configuration names one. */
const hasS3 = ({ backup }: Record<string, unknown>) =>
  (backup as { s3?: object } | undefined)?.s3 !== undefined;
const s3Secrets = () => ({
  accessKey: pulumi.secret(`${canary}S3Access`),
  secretKey: pulumi.secret(`${canary}S3Secret`),
});

type Built = ReturnType<typeof runProgram<K3sCluster>>;
const built = new Map<string, Built>();

/** The cluster of the example with some keys exchanged; the same one is built once. */
export function build(more: Record<string, unknown> = {}, options: RunOptions = {}): Built {
  const key = JSON.stringify([more, options]);
  const program = () =>
    new K3sCluster("cluster", {
      config: requireCluster(exampleInput(more)),
      ssh: { privateKey: pulumi.secret(sshKey) },
      ...(hasS3(more) && { s3: s3Secrets() }),
    });
  const run = built.get(key) ?? runProgram(program, options);
  built.set(key, run);
  return run;
}

/** The value of an output that is known. */
export const resolved = <T>(output: pulumi.Output<T>) => new Promise<T>((resolve) => output.apply(resolve));
