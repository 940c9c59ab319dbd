import { parse, stringify } from "yaml";

/**
 * The same kubeconfig with another server URL in every cluster entry.
 * @throws Error when the text is not a kubeconfig; its content is not shown.
 */
export function withServer(kubeconfig: string, url: string): string {
  const document: unknown = parse(kubeconfig);
  const clusters =
    document !== null && typeof document === "object" && "clusters" in document
      ? document.clusters
      : undefined;
  if (!Array.isArray(clusters) || clusters.length === 0) {
    throw new Error(
      "kubeconfig: the node answered without a cluster. Run `k3s-node kubeconfig` there by hand.",
    );
  }
  for (const entry of clusters as { cluster: { server: string } }[]) entry.cluster.server = url;
  return stringify(document, { lineWidth: 0 });
}
