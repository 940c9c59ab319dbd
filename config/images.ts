/**
 * kube-vip, pinned by the digest of its multi-architecture index; two independent public projects pin the same
 * digest for this tag.
 */
export const kubeVipImage =
  "ghcr.io/kube-vip/kube-vip:v1.1.2@sha256:840305b94ef2a89abb3b7fd2b09edfbde690d90052020da4dff90679fe892da2";

/** Releases that are known to lose the virtual address, and what is known. */
const losingReleases: Readonly<Record<string, string>> = {
  "v1.0.1": "the address is lost after an etcd timeout (kube-vip#1377)",
  "v1.0.2": "the address is lost after an etcd timeout (kube-vip#1377)",
  "v1.0.3": "the address is lost after an etcd timeout (kube-vip#1377)",
  "v1.2.0": "it falls silent after a lost lease (kube-vip#1747)",
};

/** Why an image of kube-vip is refused, or undefined. */
export function kubeVipDefect(image: string): string | undefined {
  const tag = /:([A-Za-z0-9_][A-Za-z0-9_.-]*)@sha256:/.exec(image)?.[1];
  return tag === undefined ? undefined : losingReleases[tag];
}
