import * as pulumi from "@pulumi/pulumi";
import { parseCluster } from "./parse.ts";
import { type Problem, ProblemsError, show } from "./problems.ts";
import { type ClusterConfig, secretKeys } from "./schema.ts";

/** What unlocks the machines. Absent values mean that the SSH agent does. */
export interface SshSecrets {
  readonly privateKey?: pulumi.Output<string>;
  readonly passphrase?: pulumi.Output<string>;
}

/** The keys of the S3 store; both, or none. */
export interface S3Secrets {
  readonly accessKey: pulumi.Output<string>;
  readonly secretKey: pulumi.Output<string>;
}

export interface StackConfig {
  readonly config: ClusterConfig;
  readonly ssh: SshSecrets;
  /** The server token of the snapshot that `restore` names, where it does not lie beside it. */
  readonly restoreToken?: pulumi.Output<string>;
  readonly s3?: S3Secrets;
}

/** A stack's configuration as Pulumi hands it over: texts by key, and which of them are secret. */
export interface RawConfig {
  readonly values: Readonly<Record<string, string>>;
  readonly isSecret: (key: string) => boolean;
}

/** Keys that Pulumi itself puts beside a project's own. */
const namespace = (project: string) => `${project}:`;

/** Pulumi keeps structured values as JSON and words as they are. */
function structured(value: string): unknown {
  if (!/^[[{]|^(?:true|false|-?\d+)$/.test(value)) return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

function secretProblems(key: string, value: string, isSecret: boolean): Problem[] {
  const problems: Problem[] = [];
  if (!isSecret) {
    problems.push({
      path: key,
      found: "a plain-text value that is not shown",
      wanted: "an encrypted value",
      next: `Run \`pulumi config set --secret ${key}\` with the value on standard input, and change the secret: it was readable.`,
    });
  }
  if (key === "restoreToken" && !/^[!-~]{8,}$/.test(value)) {
    problems.push({
      path: key,
      found: show(value, true),
      wanted: "a server token: one word, at least 8 characters",
      next: "It is the content of the file <snapshot>.token, or of /var/lib/rancher/k3s/server/token of that time.",
    });
  }
  if (key === "sshPrivateKey" && !/^-----BEGIN [A-Z ]*PRIVATE KEY-----\r?\n/.test(value)) {
    problems.push({
      path: key,
      found: show(value, true),
      wanted: "a private key in PEM or OpenSSH form",
      next: "Give the whole file, with its first and last line.",
    });
  }
  if (isS3Key(key) && !/^[A-Za-z0-9+/=_.~-]{8,128}$/.test(value)) {
    problems.push({
      path: key,
      found: show(value, true),
      wanted: "8 to 128 letters, digits and + / = _ . ~ -",
      next: "Make a key of that form at the S3 store; a line break at its end does not belong to it.",
    });
  }
  return problems;
}

const s3Keys = ["s3AccessKey", "s3SecretKey"] as const;
const isS3Key = (key: string) => s3Keys.some((name) => name === key);

/** S3 needs both of its keys, and keys without S3 are a mistake somewhere. */
function s3Problems(backup: unknown, secrets: readonly string[]): Problem[] {
  const wanted = backup !== null && typeof backup === "object" && "s3" in backup;
  return s3Keys.flatMap((key): Problem[] => {
    if (secrets.includes(key) === wanted) return [];
    return wanted
      ? [
          {
            path: key,
            found: "nothing",
            wanted: "the key of the store that backup.s3 names",
            next: `Run \`pulumi config set --secret ${key}\`, or remove backup.s3.`,
          },
        ]
      : [
          {
            path: key,
            found: "a key, and no backup.s3",
            wanted: "backup.s3 with at least a bucket",
            next: `Say where the store is, or run \`pulumi config rm ${key}\`.`,
          },
        ];
  });
}

/** Checks everything of one project at once. Pure. */
export function readStack(
  project: string,
  raw: RawConfig,
): { config: ClusterConfig | undefined; problems: Problem[] } {
  const prefix = namespace(project);
  const own = Object.entries(raw.values).flatMap(([key, value]) =>
    key.startsWith(prefix) ? [[key.slice(prefix.length), value] as const] : [],
  );
  const secret = own.filter(([key]) => secretKeys.some((name) => name === key));
  const plain = own.filter(([key]) => !secretKeys.some((name) => name === key));
  const hidden = plain.filter(([key]) => raw.isSecret(prefix + key));
  const visible = plain.filter(([key]) => !raw.isSecret(prefix + key));
  const input = Object.fromEntries(visible.map(([key, value]) => [key, structured(value)]));
  const { config, problems } = parseCluster(input);
  return {
    config,
    problems: [
      ...secret.flatMap(([key, value]) => secretProblems(key, value, raw.isSecret(prefix + key))),
      ...hidden.map(([key]) => ({
        path: key,
        found: "an encrypted value",
        wanted: `plain text; only ${secretKeys.join(", ")} are secret`,
        next: "Set it without --secret, or remove it.",
      })),
      ...s3Problems(
        input.backup,
        secret.map(([key]) => key),
      ),
      ...problems,
    ],
  };
}

/** Pulumi's own answer to "was this key encrypted?", which its type declarations leave out. */
const isConfigSecret = (pulumi.runtime as unknown as { isConfigSecret(key: string): boolean }).isConfigSecret;

/**
 * Reads the current stack's configuration.
 * @throws RunError, which Pulumi shows without a stack trace, naming every problem; nothing was declared by then.
 */
export function loadStack(): StackConfig {
  const project = pulumi.getProject();
  const { config, problems } = readStack(project, {
    values: pulumi.runtime.allConfig(),
    isSecret: isConfigSecret,
  });
  if (!config || problems.length > 0) {
    const { message } = new ProblemsError(`The configuration of stack ${pulumi.getStack()}`, problems);
    throw new pulumi.RunError(message);
  }
  const store = new pulumi.Config();
  const privateKey = store.getSecret("sshPrivateKey");
  const passphrase = store.getSecret("sshPrivateKeyPassphrase");
  const restoreToken = store.getSecret("restoreToken");
  const accessKey = store.getSecret("s3AccessKey");
  const secretKey = store.getSecret("s3SecretKey");
  return {
    config,
    ...(restoreToken && { restoreToken }),
    ssh: { ...(privateKey && { privateKey }), ...(passphrase && { passphrase }) },
    ...(accessKey && secretKey && { s3: { accessKey, secretKey } }),
  };
}
