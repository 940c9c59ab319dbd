import { parse, stringify } from "yaml";

/** The same kubeconfig with another server URL in every cluster entry; undefined when the text is no kubeconfig. */
export function withServer(kubeconfig: string, url: string): string | undefined {
  const document = parsed(kubeconfig);
  const clusters =
    document !== null && typeof document === "object" && "clusters" in document
      ? document.clusters
      : undefined;
  if (!Array.isArray(clusters) || clusters.length === 0) return undefined;
  for (const entry of clusters as { cluster: { server: string } }[]) entry.cluster.server = url;
  return stringify(document, { lineWidth: 0 });
}

/** An error of the parser would show the lines around it, keys among them. */
function parsed(yaml: string): unknown {
  try {
    return parse(yaml);
  } catch {
    return undefined;
  }
}
