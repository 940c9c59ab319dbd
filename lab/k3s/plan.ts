import { kubeVipImage } from "../../config/images.ts";
import { hasImage } from "./archive.ts";

/** What a lab does on machines that can run only the images which lie on their disks. */
export type PodPlan = {
  endpoint: "kube-vip" | "keepalived";
  /** Packaged components of k3s whose images are missing. */
  disable: string[];
  /** An image with a busybox in it, for the proof; undefined when no pod can run. */
  workload?: string;
  /** What a reader should know. */
  notes: string[];
};

/** Whatever is in a pod, this image holds it together. */
const pause = /\/mirrored-pause:/;

/** Whether pods can start with these images. */
export const runPods = (images: readonly string[]): boolean => images.some((image) => pause.test(image));

/** Packaged components, and what the names of their images have in common. */
const components = {
  coredns: /\/mirrored-coredns-coredns:/,
  "local-storage": /\/local-path-provisioner:/,
  "metrics-server": /\/mirrored-metrics-server:/,
};

/** In the order in which they are taken. */
const workloads = [/^docker\.io\/library\/lab-workload:1$/, /\/(mirrored-library-)?busybox:/];

/** The plan for the images in the archives. Pure. */
export function podPlan(images: readonly string[]): PodPlan {
  if (!runPods(images))
    return {
      endpoint: "keepalived",
      disable: Object.keys(components),
      notes: [
        "no pods run: the machines have no way to a registry, and no archive holds rancher/mirrored-pause. " +
          "With the release's airgap images they do: --images FILE",
      ],
    };
  const missing = Object.entries(components).flatMap(([name, image]) =>
    images.some((one) => image.test(one)) ? [] : [name],
  );
  const workload = workloads.map((image) => images.find((one) => image.test(one))).find(Boolean);
  const kubeVip = hasImage(images, kubeVipImage);
  const notes = [];
  if (missing.length > 0) notes.push(`without ${missing.join(", ")}: no archive holds their images`);
  if (!kubeVip)
    notes.push(
      "keepalived holds the endpoint's address: the machines have no way to a registry, and no archive holds " +
        `${kubeVipImage}. With it kube-vip does: --images FILE, or an archive in the cache's images/`,
    );
  return {
    endpoint: kubeVip ? "kube-vip" : "keepalived",
    disable: missing,
    ...(workload && { workload }),
    notes,
  };
}
