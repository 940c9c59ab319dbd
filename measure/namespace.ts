import { randomBytes } from "node:crypto";
import { type Access, api } from "./kube.ts";
import { waitFor } from "./wait.ts";

/** Milliseconds for making it and for asking for its end: an outage may just have begun. */
const patience = { makeMs: 30_000, removeMs: 60_000 };

/** On every namespace that is made here: `kubectl get namespaces -l homelab-k3s/throw-away` finds what a crash left. */
export const throwAwayLabel = "homelab-k3s/throw-away";

/**
 * Does something in a namespace of its own, and has it deleted with all that is in it, also when the work fails or is
 * broken off. The deletion is asked for, not waited for.
 * @param purpose Part of its name.
 * @throws what the work threw; or Error when the namespace could not be deleted, with its name
 */
export async function inNamespace<T>(
  access: Access,
  purpose: string,
  work: (namespace: string) => Promise<T>,
): Promise<T> {
  const name = `homelab-k3s-${purpose}-${randomBytes(4).toString("hex")}`;
  const metadata = { name, labels: { [throwAwayLabel]: purpose } };
  await api(
    access,
    "POST",
    "/api/v1/namespaces",
    { apiVersion: "v1", kind: "Namespace", metadata },
    patience.makeMs,
  );
  const ended = await work(name).then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  const removed = await waitFor(`delete namespace ${name}`, () => remove(access, name), {
    timeoutMs: patience.removeMs,
  }).then(
    () => undefined,
    (error: Error) => error,
  );
  if ("error" in ended) throw ended.error;
  if (removed) throw new Error(`${removed.message}. Delete it yourself: kubectl delete namespace ${name}`);
  return ended.value;
}

async function remove(access: Access, name: string): Promise<void> {
  await api(access, "DELETE", `/api/v1/namespaces/${name}`).catch((error: Error) => {
    if (!/: 404 /.test(error.message)) throw error;
  });
}
