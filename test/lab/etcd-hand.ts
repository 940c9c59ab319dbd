import type { Machine } from "../../lab/machines/machine.ts";
import { type Access, api } from "../../measure/kube.ts";
import { waitFor } from "../../measure/wait.ts";
import { configMaps, output } from "./support.ts";

const credentials = "--cacert server-ca.crt --cert client.crt --key client.key";

/** A question to etcd's own HTTP gateway, which the stand-in and k3s with etcd 3.6 serve to the machine itself. */
export function gateway(what: string, body: object): string {
  const ask = `curl -fsS --max-time 10 ${credentials} -d '${JSON.stringify(body)}' https://127.0.0.1:2382/v3/${what}`;
  return `(cd /var/lib/rancher/k3s/server/tls/etcd && ${ask} && echo)`;
}

/** The same, answered. A busy host may keep etcd from answering for a while. */
export async function etcd<T>(machine: Machine, what: string, body: object): Promise<T> {
  const answer = () => output(machine, gateway(what, body));
  return JSON.parse(await waitFor("an answer of etcd", answer, { timeoutMs: 60_000 })) as T;
}

/** What raises the alarm NOSPACE of a member, whose ID is in hexadecimal. */
export const noSpace = (memberId: string) => ({
  action: "ACTIVATE",
  memberID: BigInt(`0x${memberId}`).toString(),
  alarm: "NOSPACE",
});

/** For large objects on a busy machine. */
const patienceMs = 30_000;

/** Bytes of one large object. */
const ballastBytes = 500_000;

/** Writes so many objects of half a megabyte, and deletes them again. */
export async function fragment(access: Access, objects: number): Promise<void> {
  const names = Array.from({ length: objects }, (_, index) => `ballast-${index}`);
  for (const name of names) await writeObject(access, name, "x".repeat(ballastBytes));
  for (const name of names) await api(access, "DELETE", `${configMaps}/${name}`, undefined, patienceMs);
}

export function writeObject(access: Access, name: string, content = ""): Promise<unknown> {
  const body = { apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data: { content } };
  return api(access, "POST", configMaps, body, patienceMs);
}
