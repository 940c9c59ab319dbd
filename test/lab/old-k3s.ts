import type { Machine } from "../../lab/machines/machine.ts";
import { type Objects, objectsOf } from "../../lab/objects.ts";
import type { Release } from "../../lab/prepare.ts";
import { type Access, accessOf } from "../../measure/kube.ts";
import { apiPatiently } from "../../measure/patient.ts";
import { waitFor } from "../../measure/wait.ts";
import { output } from "./support.ts";

/** How an old k3s was installed. Default role: server. */
export type Old = { role?: "server" | "agent"; args?: readonly string[]; env?: string; config?: string };

/** What k3s' own installer leaves on a machine: binary, unit with its arguments one a line, and an environment file. */
const install = ({ mirror, version }: Release, old: Old): string => {
  const { role = "server", args = [], env = "", config } = old;
  const unit = role === "server" ? "k3s" : "k3s-agent";
  return `set -e
curl -fsS -o /usr/local/bin/k3s ${mirror}/${version.replace("+", "%2B")}/k3s
chmod 755 /usr/local/bin/k3s
mkdir -p /etc/rancher/k3s
${config === undefined ? "" : `cat >/etc/rancher/k3s/config.yaml <<'END'\n${config}END`}
install -m 600 /dev/null /etc/systemd/system/${unit}.service.env
cat >/etc/systemd/system/${unit}.service.env <<'END'
${env}END
cat >/etc/systemd/system/${unit}.service <<'END'
[Unit]
Description=Lightweight Kubernetes
After=network-online.target

[Install]
WantedBy=multi-user.target

[Service]
Type=notify
EnvironmentFile=-/etc/systemd/system/${unit}.service.env
KillMode=process
Delegate=yes
LimitNOFILE=1048576
TimeoutStartSec=0
Restart=always
RestartSec=5s
ExecStart=/usr/local/bin/k3s \\
    ${role} \\
${args.map((argument) => `\t'${argument}' \\\n`).join("")}
END
systemctl daemon-reload
systemctl enable --quiet ${unit}
systemctl start ${unit}
`;
};

/** Installs a server, without etcd unless its arguments ask for it, as k3s' installer does, and gives the way to its API. */
export async function installOld(machine: Machine, release: Release, old: Old = {}): Promise<Access> {
  await output(machine, install(release, old));
  return oldAccess(machine);
}

/** Installs an agent of an old server, as k3s' installer does. */
export async function installOldAgent(
  machine: Machine,
  release: Release,
  url: string,
  token: string,
): Promise<void> {
  await output(machine, install(release, { role: "agent", env: `K3S_URL=${url}\nK3S_TOKEN=${token}\n` }));
}

/** The administrator's access to the server of a machine, by the machine's own address. */
async function oldAccess(machine: Machine): Promise<Access> {
  const kubeconfig = await output(machine, "cat /etc/rancher/k3s/k3s.yaml");
  return { ...accessOf(kubeconfig), server: `https://${machine.address}:6443` };
}

/** Objects of several kinds, so that what is compared is more than the cluster's own. */
export async function fill(access: Access): Promise<void> {
  const core = "/api/v1/namespaces";
  const make = (path: string, object: object) => apiPatiently(access, "POST", path, object);
  await make(core, { metadata: { name: "old" } });
  for (let index = 0; index < 40; index++) {
    const data = { text: `/registry/configmaps/old/not-a-key ${"x".repeat(index * 40)}` };
    await make(`${core}/old/configmaps`, { metadata: { name: `config-${index}` }, data });
  }
  await make(`${core}/old/secrets`, { metadata: { name: "secret" }, stringData: { password: "of the old" } });
  await make(`${core}/old/services`, { metadata: { name: "web" }, spec: { ports: [{ port: 80 }] } });
  await make("/apis/apps/v1/namespaces/old/deployments", {
    metadata: { name: "web" },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: "web" } },
      template: {
        metadata: { labels: { app: "web" } },
        spec: { containers: [{ name: "web", image: "registry.example.org/web:1" }] },
      },
    },
  });
}

/** All objects, once the deployment's pods are among them, so that nothing is about to be made. */
export function settled(access: Access): Promise<Objects> {
  return waitFor(
    "the objects of the old k3s",
    async () => {
      const objects = await objectsOf(access);
      const pods = [...objects.keys()].filter((place) => place.startsWith("/api/v1/pods/old/"));
      if (pods.length < 2) throw new Error(`${pods.length} of 2 pods`);
      return objects;
    },
    { timeoutMs: 60_000 },
  );
}
