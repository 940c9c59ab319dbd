import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { data, filesOf, k3sRuns, lay, ofAgent, ofServer, ofUser, ownCa, treeOf } from "./laid.ts";
import { type Ended, emptyRoot, functions, put } from "./shell.ts";

/** A step of a server on a node without k3s, as far as k3s' first start, and what follows. */
export const comesUp = (root: string, then: string, files: readonly string[] = [...ofAgent, ...ofServer]) =>
  functions(
    `${k3sRuns}
     leave_again() { :; }
     begin_verb server
     UNIT=k3s.service WANTED_CONFIG=$'node-name: n\\n' TOKEN=token-of-servers
     ARG[name]=n ARG[address]=192.0.2.11
     observe_k3s
     begin_new
     put_marker server
     put_config
     founding && put_join "$REPLY"
     put_unit server
     k3s_runs "$@"
     ${then}`,
    files,
    root,
  );

/** A machine that a user has prepared; with an own CA, and with k3s' names for empty directories. */
export function prepared(): string {
  const root = emptyRoot();
  lay(root, { ...ofUser, ...ownCa });
  mkdirSync(join(root, data, "agent/etc/cni"), { mode: 0o755 });
  mkdirSync(join(root, "var/lib/kubelet/empty"), { mode: 0o700 });
  mkdirSync(join(root, "run"));
  return root;
}

/** Only files: directories that hold nothing are nobody's. */
export const files = (root: string) => filesOf(treeOf(root));
/** As `lay` leaves them. */
export const laid = (...all: Readonly<Record<string, string>>[]) =>
  Object.fromEntries(all.flatMap(Object.entries).map(([path, content]) => [path, `640 ${content}`]));

/** A living agent of this program's, with files that its user laid before and since. */
export async function livingAgent(): Promise<string> {
  const root = emptyRoot();
  lay(root, { ...ofUser, ...ownCa, "etc/rancher/k3s/k3s.yaml": "a copy of the user's\n" });
  put(root, "etc/systemd/system/k3s-agent.service", "unit");
  put(root, "etc/rancher/k3s/.homelab-k3s", '{"role":"agent"}');
  put(root, "etc/rancher/k3s/config.yaml", "node-name: n\n");
  put(root, "etc/rancher/node/password", "password");
  await functions(`${k3sRuns}\nk3s_runs "$@"`, ofAgent, root);
  return root;
}

/** A living server of this program's, which took the cluster's CA but for one key that is still the user's. */
export async function livingServer(): Promise<string> {
  const root = prepared();
  await comesUp(root, "forget_before; finish_step ok");
  put(root, "etc/rancher/node/password", "password");
  lay(root, { [`${data}/server/tls/service.key`]: ownCa[`${data}/server/tls/service.key`]! });
  return root;
}
export const stillOwn = { [`${data}/server/tls/service.key`]: ownCa[`${data}/server/tls/service.key`]! };

/** The removal of a node, but for what it does in its cluster. */
export const removal = (root: string, role: "server" | "agent"): Promise<Ended> =>
  functions(
    `${k3sRuns}
     observe_machine() { :; }; may_it_leave() { :; }; send_pods_away() { :; }; leave_cluster() { :; }
     verb_remove --role ${role}`,
    [],
    root,
  );
