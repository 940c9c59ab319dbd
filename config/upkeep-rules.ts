import type { Draft } from "./draft.ts";
import { type Problem, show } from "./problems.ts";

export function snapshotProblems({ snapshots }: Draft): Problem[] {
  return (snapshots ?? []).flatMap((name, index, all) => {
    const earlier = all.indexOf(name);
    if (name.startsWith("etcd-snapshot")) {
      return [
        {
          path: `snapshots[${index}]`,
          found: name,
          wanted: "a name that does not begin with etcd-snapshot",
          next: "k3s would count it among its scheduled snapshots and delete it with them; rename it.",
        },
      ];
    }
    if (earlier === index) return [];
    return [
      {
        path: `snapshots[${index}]`,
        found: `${name}, which is also snapshots[${earlier}]`,
        wanted: "a name of its own",
        next: "Remove one of them.",
      },
    ];
  });
}

/** What each `restore.from` wants: nobody knows where a relative path on a node starts, and S3 must be known. */
export function restoreProblems({ restore, backup }: Draft): Problem[] {
  const problem = (wanted: string, next: string): Problem[] => [
    { path: "restore.snapshot", found: show(restore!.snapshot), wanted, next },
  ];
  const absolute = restore?.snapshot.startsWith("/");
  if (restore?.from === "node" && !absolute && restore.snapshot.includes("/")) {
    return problem(
      "a snapshot's name, or an absolute path on the first server",
      "For a file on the machine where Pulumi runs set restore.from to file.",
    );
  }
  if (restore?.from !== "s3") return [];
  if (absolute) {
    return problem(
      "the snapshot's key below backup.s3.folder",
      "List the bucket; the folder is not repeated.",
    );
  }
  if (backup?.s3) return [];
  return [
    {
      path: "restore.from",
      found: "s3, and no backup.s3",
      wanted: "backup.s3 with the store where the snapshot is",
      next: "Say where the store is, and give its keys as the secrets s3AccessKey and s3SecretKey.",
    },
  ];
}

/** What cannot be meant about backups; that S3 has its keys is asked where the secrets are known. */
export function backupProblems({ backup }: Draft): Problem[] {
  if (!backup?.s3?.insecure || !backup.s3.skipVerify) return [];
  return [
    {
      path: "backup.s3.skipVerify",
      found: "true beside insecure: true",
      wanted: "one of them",
      next: "With insecure there is no certificate that could be verified; remove skipVerify.",
    },
  ];
}

/** Keys can only be rotated where Secrets are encrypted. */
export function rotateProblems({ k3s, rotate }: Draft): Problem[] {
  if (k3s === undefined || k3s.secretsEncryption || !rotate?.encryptionKeys) return [];
  return [
    {
      path: "rotate.encryptionKeys",
      found: `${rotate.encryptionKeys}, and k3s.secretsEncryption is false`,
      wanted: "0 in a cluster that does not encrypt Secrets",
      next: "Remove it; whether Secrets are encrypted is decided when a cluster is founded.",
    },
  ];
}
