import { z } from "zod";
import { longestGap } from "./schedule.ts";

/**
 * Allow-list grammars. Every value that reaches a command line, a unit file or a Kubernetes object has passed one
 * of these, so that nothing a user or a node writes can become an option or a command.
 */

/** What an error says besides what was found. */
export interface Wanted {
  readonly wanted: string;
  readonly next: string;
}

/** A string that matches `pattern` as a whole; anything else is reported with `wanted` and `next`. */
export function text(pattern: RegExp, wanted: string, next: string) {
  const params: Wanted = { wanted, next };
  return z.custom<string>((value) => typeof value === "string" && pattern.test(value), { params });
}

/** A whole number between `least` and `most`. */
export function whole(least: number, most: number) {
  const params: Wanted = {
    wanted: `a whole number from ${least} to ${most}`,
    next: "Write a number in that range, without quotes.",
  };
  return z.custom<number>(
    (value) => Number.isInteger(value) && Number(value) >= least && Number(value) <= most,
    {
      params,
    },
  );
}

/** `true` or `false`; the strings "true" and "false" are refused, since YAML tells them apart. */
export const flag = z.custom<boolean>((value) => typeof value === "boolean", {
  params: { wanted: "true or false", next: "Write it without quotes." } satisfies Wanted,
});

/** One of a few words. */
export function oneOf<const Words extends readonly string[]>(words: Words, next: string) {
  const params: Wanted = { wanted: `one of ${words.join(", ")}`, next };
  return z.custom<Words[number]>((value) => words.some((word) => word === value), { params });
}

const label = "[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?";
const octet = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])";
const ipv4Source = `${octet}(?:\\.${octet}){3}`;
const dnsSource = `(?=.{1,253}$)${label}(?:\\.${label})*`;

export const ipv4Pattern = new RegExp(`^${ipv4Source}$`);

/** A node's name: a DNS label, since it becomes the Kubernetes Node, an etcd member and part of file names. */
export const nodeName = text(
  new RegExp(`^(?=.{1,63}$)${label}$`),
  "1 to 63 lower-case letters, digits and inner hyphens",
  "Rename the node, for example server-1.",
);

/** An IPv4 address without leading zeros. */
export const ipv4 = text(ipv4Pattern, "an IPv4 address such as 192.0.2.10", "Write the address of the node.");

/** A host to connect to: IPv4 address or DNS name in lower case. */
export const host = text(
  new RegExp(`^(?:${ipv4Source}|${dnsSource})$`),
  "an IPv4 address or a DNS name in lower case",
  "Write the name or address that ssh connects to, without user and port.",
);

/** An IPv4 network in prefix notation; that host bits are zero is checked by the network rules. */
export const cidr = text(
  new RegExp(`^${ipv4Source}/(?:[0-9]|[12][0-9]|3[0-2])$`),
  "an IPv4 network such as 10.42.0.0/16",
  "Write address and prefix length.",
);

/** A DNS domain in lower case. */
export const domain = text(
  new RegExp(`^${dnsSource}$`),
  "a DNS name in lower case such as cluster.local",
  "Write the name without a final dot.",
);

/** A login name as useradd accepts it. */
export const login = text(
  /^[a-z_][a-z0-9_-]{0,31}$/,
  "a login name of lower-case letters, digits, _ and -",
  "Write the user that ssh logs in as.",
);

/** A network interface's name (at most 15 characters, the kernel's limit). */
export const networkInterface = text(
  /^[A-Za-z0-9][A-Za-z0-9_.@-]{0,14}$/,
  "the name of a network interface such as enp1s0",
  "See `ip link` on a server, or leave it out and kube-vip takes the one of the default route.",
);

/** A sha256 sum in lower-case hexadecimal. */
export const sha256 = text(
  /^[0-9a-f]{64}$/,
  "a sha256 sum: 64 hexadecimal digits in lower case",
  "Copy it from the release's sha256sum file, not from the machine that downloaded the binary.",
);

const filePath = "[A-Za-z0-9._~/][A-Za-z0-9._~/+@-]*";

/** A file on the machine where Pulumi runs; relative to the project. */
export const localFile = text(
  new RegExp(`^${filePath}$`),
  "the path of a file, without spaces",
  "Write it relative to the project, such as ./k3s.",
);

/** An archive of container images that k3s imports at its start. */
export const imageArchive = text(
  new RegExp(`^${filePath}\\.tar(\\.gz|\\.zst)?$`),
  "the path of a .tar, .tar.gz or .tar.zst file",
  "It is k3s-airgap-images-<arch>.tar.zst of the release.",
);

/** Where releases are downloaded from; `<mirror>/<version>/k3s` must exist. */
export const mirror = text(
  new RegExp(
    `^https?://(?:${ipv4Source}|${label}(?:\\.${label})*)(?::[1-9][0-9]{0,4})?(?:/[A-Za-z0-9._~%-]+)*$`,
  ),
  "an http or https URL without query, user or final slash",
  "Checksums are pinned, so http is as good as https here.",
);

/** A Kubernetes label's value; may be empty. */
export const labelValue = text(
  /^(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/,
  "at most 63 letters, digits, '-', '_' and '.', beginning and ending with a letter or digit",
  "Shorten or rename the value.",
);

const qualifiedName = `(?:${label}(?:\\.${label})*/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?`;

/** A Kubernetes label's key, with or without prefix. */
export const labelKey = text(
  new RegExp(`^(?=.{1,253}$)${qualifiedName}$`),
  "a label key such as example.org/rack",
  "Use letters, digits, '-', '_' and '.', with an optional DNS prefix and one slash.",
);

/** A taint as k3s' `node-taint` takes it. */
export const taint = text(
  new RegExp(
    `^${qualifiedName}(?:=(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?)?:(?:NoSchedule|PreferNoSchedule|NoExecute)$`,
  ),
  "a taint such as nvidia.com/gpu=true:NoSchedule",
  "Write key=value:effect; effects are NoSchedule, PreferNoSchedule and NoExecute.",
);

/** An amount of CPU: cores, or thousandths of one. */
export const cpuQuantity = text(
  /^[1-9][0-9]{0,5}m?$/,
  'cores such as "1", or thousandths of one such as "500m"',
  "Write it as text, in quotes.",
);

/** An amount of memory. */
export const memoryQuantity = text(
  /^[1-9][0-9]{0,5}(?:Mi|Gi)$/,
  "an amount such as 512Mi or 1Gi",
  "Write a whole number with Mi or Gi.",
);

/** The name of an on-demand snapshot; becomes part of a file name. */
export const snapshotName = text(
  /^[a-z0-9](?:[a-z0-9.-]{0,61}[a-z0-9])?$/,
  "1 to 63 lower-case letters, digits, inner '.' and '-'",
  "Rename the snapshot, for example before-upgrade.",
);

/** The id of a restore; becomes part of a file name. */
export const restoreId = text(
  /^[a-z0-9](?:[a-z0-9.-]{0,38}[a-z0-9])?$/,
  "1 to 40 lower-case letters, digits, inner '.' and '-'",
  "Any word that was not used for a restore before, for example the date: 2026-11-20.",
);

/** Where a snapshot is: a name, a path or a key; what each `restore.from` wants of it is checked by its rule. */
export const snapshotPlace = text(
  /^[A-Za-z0-9./][A-Za-z0-9._/+-]{0,250}$/,
  "a snapshot's name, path or key of letters, digits, '.', '_', '/', '+' and '-'",
  "See `restore.from` for which of them is meant.",
);

/** A container image pinned by digest. */
export const pinnedImage = text(
  /^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::[0-9]{1,5})?(?:\/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)+(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?@sha256:[0-9a-f]{64}$/,
  "an image pinned by digest: registry/name:tag@sha256:...",
  "Tags can move; take the digest of the tag from your registry.",
);

/** When k3s takes snapshots by itself. */
export const cronSchedule = z.custom<string>(
  (value) => typeof value === "string" && longestGap(value) !== undefined,
  {
    params: {
      wanted: "a cron schedule of five fields such as 0 */12 * * *",
      next: "Fields are minute, hour, day of month, month and day of week, with one blank between them.",
    } satisfies Wanted,
  },
);

/** Host and port of an S3-compatible store. */
export const s3Endpoint = text(
  new RegExp(`^(?:${ipv4Source}|${label}(?:\\.${label})*)(?::[1-9][0-9]{0,4})?$`),
  "a host name or address, with :port where it is not the usual one",
  "Leave out https:// and the bucket; for http set insecure: true.",
);

/** A bucket's name, by the rules of S3. */
export const bucketName = text(
  /^(?!.*[.][.])[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/,
  "3 to 63 lower-case letters, digits, inner '.' and '-'",
  "The bucket must exist; k3s does not make it.",
);

/** A region's name. */
export const regionName = text(
  /^[a-z0-9][a-z0-9-]{0,62}$/,
  "a region such as eu-central-1",
  "Most stores that are not Amazon's accept us-east-1.",
);

/** A folder in a bucket. */
export const bucketFolder = text(
  /^(?!.*\/\/)(?!.*(?:^|\/)\.{1,2}(?:\/|$))[A-Za-z0-9][A-Za-z0-9._/-]{0,198}[A-Za-z0-9]$/,
  "a path such as clusters/home, without slash at its ends",
  "Give each cluster a folder of its own: k3s keeps its number of snapshots by folder.",
);

/** A directory on the machine where Pulumi runs; relative to the project. */
export const localDirectory = text(
  /^[A-Za-z0-9._/][A-Za-z0-9._/+@-]*$/,
  "the path of a directory, without spaces and ~",
  "Write it whole, such as /srv/backup, or relative to the project.",
);
