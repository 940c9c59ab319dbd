import type { Sample } from "./validate.ts";

const command = (verb: string, rest: string) => `sudo -n bash .homelab-k3s/node/k3s-node ${verb} ${rest}`;

const details = [`--sha256-amd64 ${"a".repeat(64)}`, `--sha256-arm64 ${"b".repeat(64)}`, "---", ""].join(
  "\n",
);

/** A good step of one server. */
export function server(index: number, more: Partial<Sample> = {}): Sample {
  const line = command("server", `--name server-${index} --version v1.34.2+k3s1 -`);
  return {
    type: "command:remote:Command",
    name: `server-${index}`,
    props: {
      create: line,
      update: line,
      delete: command("remove", "--role server"),
      logging: "stderr",
      addPreviousOutputInEnv: false,
      stdin: `${details}token: secret\n---\ntls-san:\n  - 192.0.2.10\n  - 192.0.2.1${index}\nnode-name: server-${index}\n`,
      connection: {
        host: "192.0.2.11",
        hostKey: "ssh-ed25519 AAAA",
        dialErrorLimit: 3,
        privateKey: "secret",
      },
    },
    opts: {
      protect: true,
      deleteBeforeReplace: true,
      additionalSecretOutputs: ["stdout", "stderr"],
      customTimeouts: { createSeconds: 720, updateSeconds: 720, deleteSeconds: 720 },
    },
    ...(index > 1 && { after: [`server-${index - 1}`] }),
    ...more,
  };
}

/** The same server with other inputs. */
export const serverWith = (props: Record<string, unknown>, index = 1): Sample => {
  const good = server(index);
  return { ...good, props: { ...good.props, ...props } };
};

export const servers = (count: number): Sample[] =>
  Array.from({ length: count }, (_, index) => server(index + 1));

export const container = {
  name: "kube-vip",
  image: `ghcr.io/kube-vip/kube-vip:v1.1.2@sha256:${"c".repeat(64)}`,
  env: [{ name: "address", value: "192.0.2.10" }],
  securityContext: {
    allowPrivilegeEscalation: false,
    capabilities: { add: ["NET_ADMIN", "NET_RAW"], drop: ["ALL"] },
  },
};

/** A good DaemonSet, with some fields of its container or pod exchanged. */
export const daemonSet = (
  exchange: Record<string, unknown> = {},
  pod: Record<string, unknown> = {},
): Sample => ({
  type: "kubernetes:apps/v1:DaemonSet",
  name: "kube-vip",
  props: { spec: { template: { spec: { containers: [{ ...container, ...exchange }], ...pod } } } },
});
