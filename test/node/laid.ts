import assert from "node:assert/strict";
import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { put } from "./shell.ts";

export const data = "var/lib/rancher/k3s";

/** Files of a user in the places that k3s' documentation names, and beside them. */
export const ofUser: Readonly<Record<string, string>> = {
  [`${data}/agent/etc/containerd/config-v3.toml.d/oom.toml`]: "version = 3\n",
  [`${data}/agent/etc/containerd/config.toml.tmpl`]: '{{ template "base" . }}\n',
  [`${data}/agent/etc/containerd/config-v3.toml.tmpl`]: '{{ template "base" . }}\n',
  [`${data}/agent/etc/containerd/certs.d/registry.example.org/hosts.toml`]: "# mine\n",
  [`${data}/agent/etc/kubelet.conf.d/50-mine.conf`]: "failCgroupV1: false\n",
  [`${data}/agent/images/mine.tar`]: "images\n",
  [`${data}/agent/pod-manifests/mine.yaml`]: "kind: Pod\n",
  [`${data}/data/cni/mine`]: "#!/bin/sh\n",
  [`${data}/server/manifests/mine.yaml`]: "kind: ConfigMap\n",
  [`${data}/server/manifests/traefik-config.yaml`]: "kind: HelmChartConfig\n",
  [`${data}/server/manifests/traefik.yaml.skip`]: "",
  [`${data}/server/manifests/metrics-server/mine.yaml`]: "kind: ConfigMap\n",
  [`${data}/server/static/charts/mine-1.0.0.tgz`]: "chart\n",
  [`${data}/server/audit.yaml`]: "kind: Policy\n",
  [`${data}/server/logs/audit.log`]: "{}\n",
  [`${data}/server/tls/root-ca.key`]: "root key\n",
  [`${data}/server/tls/intermediate-ca.pem`]: "intermediate\n",
  [`${data}/server/tls/server-ca.pem`]: "server ca\n",
  [`${data}/storage/pvc-1/file`]: "volume\n",
  [`${data}/mine.txt`]: "note\n",
  "var/lib/kubelet/seccomp/mine.json": "{}\n",
  "var/lib/kubelet/config.json": "{}\n",
  "var/lib/cni/networks/podman/10.88.0.2": "podman\n",
  "etc/rancher/k3s/registries.yaml": "mirrors: {}\n",
  "etc/rancher/k3s/config.yaml.d/50-mine.yaml": "debug: true\n",
  "etc/rancher/node/mine": "note\n",
  "etc/systemd/system/k3s.service.d/mine.conf": "[Service]\n",
  "etc/systemd/system/k3s.service.env": "HTTPS_PROXY=http://proxy\n",
};

/** A CA of the user's own, under the names that k3s itself uses (docs: cli/certificate). */
export const ownCa: Readonly<Record<string, string>> = Object.fromEntries(
  [
    ...["server-ca", "client-ca", "request-header-ca", "etcd/server-ca", "etcd/peer-ca"].flatMap((name) => [
      `${name}.crt`,
      `${name}.key`,
    ]),
    "service.key",
  ].map((name) => [`${data}/server/tls/${name}`, `the user's ${name}\n`]),
);

const below = (directory: string, ...names: string[]) => names.map((name) => `${directory}/${name}`);
const pair = (...names: string[]) => names.flatMap((name) => [`${name}.crt`, `${name}.key`]);
export const release = `${data}/data/${"0123456789abcdef".repeat(4)}`;

/** What k3s, its kubelet and its containerd write on every node. */
export const ofAgent = [
  `${data}/data/.lock`,
  `${release}/bin/k3s`,
  ...below(`${data}/agent/containerd`, "io.containerd.metadata.v1.bolt/meta.db", "containerd.log"),
  ...below(`${data}/agent`, ...pair("client-kubelet", "serving-kubelet", "client-kube-proxy")),
  ...below(`${data}/agent`, ...pair("client-k3s-controller"), "client-ca.crt", "server-ca.crt"),
  ...below(`${data}/agent`, "kubelet.kubeconfig", "kubeproxy.kubeconfig", "k3scontroller.kubeconfig"),
  ...below(`${data}/agent`, "images/.cache.json", "tls-1700000000/client-kubelet.crt"),
  ...below(`${data}/agent/etc`, "crictl.yaml", "containerd/config.toml", "flannel/net-conf.json"),
  ...below(`${data}/agent/etc`, "k3s-agent-load-balancer.json", "k3s-api-server-agent-load-balancer.json"),
  ...below(`${data}/agent/etc`, "cni/net.d/10-flannel.conflist", "kubelet.conf.d/00-k3s-defaults.conf"),
  ...below("var/lib/kubelet", "pods/1/volumes/x", "pki/kubelet.crt", "cpu_manager_state"),
  ...below("var/lib/cni", "networks/cbr0/10.42.0.2", "results/cbr0-1-eth0"),
  "run/k3s/containerd/containerd.sock",
];

/** What a server writes beside that. */
export const ofServer = [
  ...Object.keys(ownCa),
  ...below(`${data}/server`, "token", "node-token", "agent-token", "kine.sock", "tls-1700000000/x"),
  ...below(`${data}/server/cred`, "admin.kubeconfig", "supervisor.kubeconfig", "controller.kubeconfig"),
  ...below(
    `${data}/server/cred`,
    "scheduler.kubeconfig",
    "api-server.kubeconfig",
    "cloud-controller.kubeconfig",
  ),
  ...below(`${data}/server/cred`, "passwd", "ipsec.psk", "encryption-config.json", "encryption-state.json"),
  ...below(`${data}/server/db`, "etcd/member/wal/0.wal", "etcd/name", "etcd/config", "snapshots/one"),
  ...below(`${data}/server/db`, ".metadata/one", "etcd-old-1700000000/name", "reset-flag"),
  ...below(`${data}/server/etc`, "egress-selector-config.yaml", "cloud-config.yaml"),
  ...below(`${data}/server/tls`, "server-ca.nochain.crt", "client-ca.nochain.crt", "service.current.key"),
  ...below(`${data}/server/tls`, "dynamic-cert.json", "temporary-certs/x", ...pair("client-admin")),
  ...below(`${data}/server/tls`, ...pair("client-kube-apiserver", "client-k3s-cloud-controller")),
  ...below(`${data}/server/tls`, ...pair("serving-kube-apiserver", "kube-scheduler/kube-scheduler")),
  ...below(`${data}/server/tls/etcd`, ...pair("client", "server-client", "peer-server-client")),
  ...below(`${data}/server/manifests`, "ccm.yaml", "coredns.yaml", "local-storage.yaml", "rolebindings.yaml"),
  ...below(`${data}/server/manifests`, "runtimes.yaml", "traefik.yaml", "metrics-server/auth-reader.yaml"),
  ...below(`${data}/server/static/charts`, "traefik-37.1.1+up37.1.0.tgz", "traefik-crd-37.1.1+up37.1.0.tgz"),
  "etc/rancher/k3s/k3s.yaml",
];

/** What a shell sees of k3s while it stands in for it: `k3s_runs PATH...` writes these files over what lies there. */
export const k3sRuns = `
systemctl() { :; }
stop_for_good() { :; }
service_state() { STATE_WORD=other SUBSTATE=dead INVOCATION="" RESTARTS=0; }
k3s_runs() {
  local path directories=()
  for path; do directories+=("$ROOT/\${path%/*}"); done
  mkdir -p -- "\${directories[@]}"
  for path; do printf 'k3s\\n' >"$ROOT/$path"; done
  mkdir -p "$DATA/agent/pod-manifests" "$DATA"/agent/containerd/{bin,lib} "$DATA/data/cni" "$DATA/agent/etc/containerd/certs.d/docker.io"
  echo "# File generated by k3s. DO NOT EDIT." >"$DATA/agent/etc/containerd/certs.d/docker.io/hosts.toml"
  ln -sfn "\${DATA#"$ROOT"}/data/${"0123456789abcdef".repeat(4)}" "$DATA/data/current"
  ln -sfn "\${DATA#"$ROOT"}/data/current/bin/cni" "$DATA/data/cni/bridge"
}`;

/** Lays these files. */
export function lay(root: string, files: Readonly<Record<string, string>>): void {
  for (const [path, content] of Object.entries(files)) put(root, path, content, 0o640);
}

/** All below a root, by path: mode and content. This program's own directory is left out. */
export function treeOf(root: string, without: readonly string[] = []): Record<string, string> {
  const found: Record<string, string> = {};
  const walk = (path: string) => {
    for (const name of readdirSync(join(root, path)).sort()) {
      const below = path ? `${path}/${name}` : name;
      if (below === "var/lib/homelab-k3s" || without.includes(below)) continue;
      const stat = lstatSync(join(root, below));
      const mode = (stat.mode & 0o7777).toString(8);
      if (stat.isSymbolicLink()) found[below] = `-> ${readlinkSync(join(root, below))}`;
      else if (stat.isDirectory()) {
        found[below] = `${mode} directory`;
        walk(below);
      } else found[below] = `${mode} ${readFileSync(join(root, below), "utf8")}`;
    }
  };
  walk("");
  return found;
}

/** The files of a tree, by path: their content, without directories. */
export const filesOf = (tree: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(tree).filter(([, what]) => !what.endsWith(" directory")));

/** Fails with what two trees differ in, and only that. */
export function same(
  found: Readonly<Record<string, string>>,
  wanted: Readonly<Record<string, string>>,
): void {
  const paths = [...new Set([...Object.keys(found), ...Object.keys(wanted)])].sort();
  const different = paths.filter((path) => found[path] !== wanted[path]);
  assert.deepEqual(
    different.map((path) => `${path}: ${found[path]}`),
    different.map((path) => `${path}: ${wanted[path]}`),
  );
}
