import assert from "node:assert/strict";
import { test } from "node:test";
import { requireCluster } from "../../config/parse.ts";
import { serverConfig } from "../../config/render.ts";
import { exampleInput } from "../unit/example.ts";
import { functions, rootWith } from "./shell.ts";

/** As k3s' installer writes it. */
const unit = (...args: string[]) => `[Service]
EnvironmentFile=-/etc/systemd/system/k3s.service.env
ExecStartPre=-/sbin/modprobe overlay
ExecStart=/usr/local/bin/k3s \\
    server \\
${args.map((argument) => `\t'${argument}' \\\n`).join("")}
`;

const paths = {
  unit: "etc/systemd/system/k3s.service",
  env: "etc/systemd/system/k3s.service.env",
  config: "etc/rancher/k3s/config.yaml",
  more: "etc/rancher/k3s/config.yaml.d/50-more.yaml",
};

async function settings(files: Readonly<Record<string, string>>): Promise<Record<string, string>> {
  const { stdout } = await functions(
    `OLD_UNIT=k3s.service; read_existing; for key in "\${!OLD[@]}"; do printf '%s\\n' "$key=\${OLD[$key]}"; done`,
    [],
    rootWith(files),
  );
  const lines = stdout.trim().split("\n").filter(Boolean).sort();
  return Object.fromEntries(lines.map((line) => line.split(/=(.*)/s).slice(0, 2) as [string, string]));
}

test("H2: what an old k3s was told is read from its environment, its files and its unit", async () => {
  assert.deepEqual(await settings({ [paths.unit]: unit() }), {});
  assert.deepEqual(
    await settings({
      [paths.unit]: unit(
        "--disable",
        "traefik",
        "--disable=servicelb",
        "--secrets-encryption",
        "--node-ip",
        "192.0.2.11",
      ),
      [paths.env]:
        "K3S_TOKEN=abc\nK3S_NODE_NAME='kai'\nK3S_KUBECONFIG_MODE=644\nHTTPS_PROXY=http://p\nK3S_EMPTY=\n",
      [paths.config]:
        '# mine\ncluster-cidr: 10.44.0.0/16 # wide\ntls-san:\n  - a.example.org\n  - "b.example.org"\ndisable: [coredns]\nnode-label: [a=b, c=d]\n',
      [paths.more]: "tls-san+:\n- c.example.org\ncluster-domain: 'x.local'\n",
    }),
    {
      "cluster-cidr": "10.44.0.0/16",
      "cluster-domain": "x.local",
      disable: "traefik,servicelb",
      "environment HTTPS_PROXY": "http://p",
      "node-ip": "192.0.2.11",
      "node-label": "a=b,c=d",
      "node-name": "kai",
      "secrets-encryption": "true",
      "tls-san": "a.example.org,b.example.org,c.example.org",
      token: "abc",
      "write-kubeconfig-mode": "644",
    },
  );
  assert.deepEqual(
    await settings({
      [paths.unit]: "ExecStart=/usr/local/bin/k3s server -t x --write-kubeconfig-mode 644 --debug\n",
    }),
    { token: "x", "write-kubeconfig-mode": "644", debug: "true" },
  );
  // the installer's last argument is followed by a backslash too
  assert.deepEqual(await settings({ [paths.unit]: unit("--disable", "traefik", "--secrets-encryption") }), {
    disable: "traefik",
    "secrets-encryption": "true",
  });
  const hostile = "ExecStart=/usr/local/bin/k3s server '--node-name' '$(touch /tmp/never)' --log `id`\n";
  assert.deepEqual(await settings({ [paths.unit]: hostile }), {
    "node-name": "$(touch /tmp/never)",
    log: "`id`",
  });
});

const wanted = (k3s: Record<string, unknown>, more: Record<string, unknown> = {}) => {
  const config = requireCluster(exampleInput({ k3s, ...more }));
  return serverConfig(config, config.servers[0]!, "token-of-agents");
};

/** What would change of a k3s with these files, and what merely ends. */
async function changes(files: Readonly<Record<string, string>>, yaml: string): Promise<[string, string]> {
  const { stdout } = await functions(
    `OLD_UNIT=k3s.service; read_existing; existing_changes server-1 "$1"; printf '%s\\n%s\\n' "$REPLY" "$LAPSED"`,
    [yaml],
    rootWith({ "etc/hostname": "Server-1\n", ...files }),
  );
  return stdout.split("\n").slice(0, 2) as [string, string];
}

test("H2: a plain installation is adopted by a stack that says the same", async () => {
  const plain = { [paths.unit]: unit(), [paths.env]: "K3S_TOKEN=secret-of-the-cluster\n" };
  assert.deepEqual(await changes(plain, wanted({ secretsEncryption: false })), ["", ""]);
  assert.deepEqual(
    await changes(
      {
        [paths.unit]: unit("--disable", "traefik", "--write-kubeconfig-mode=644", "--tls-san", "192.0.2.11"),
      },
      wanted({ secretsEncryption: false, disable: ["traefik"], clusterDns: "10.43.0.10" }),
    ),
    ["", "write-kubeconfig-mode=644"],
  );
});

for (const [what, args, yaml, says] of [
  ["encryption", [], wanted({}), "secrets-encryption is false here and true in the stack"],
  [
    "a packaged component that the stack would bring back",
    ["--disable", "traefik,servicelb"],
    wanted({ secretsEncryption: false, disable: ["traefik"] }),
    "disable is servicelb,traefik here and traefik in the stack",
  ],
  [
    "a range, a name of the certificate, and a flag that the stack has no key for",
    ["--cluster-cidr", "10.44.0.0/16", "--tls-san=old.example.org", "--kubelet-arg", "max-pods=200"],
    wanted({ secretsEncryption: false }),
    "cluster-cidr is 10.44.0.0/16 here and 10.42.0.0/16 in the stack; kubelet-arg is max-pods=200 here and unset in the stack; tls-san has old.example.org here and not in the stack",
  ],
  [
    "the node's name",
    ["--node-name", "kai"],
    wanted({ secretsEncryption: false }),
    "node-name is kai here and server-1 in the stack",
  ],
  [
    "a setting that holds a password",
    ["--etcd-s3-secret-key=hunter2hunter2"],
    wanted({ secretsEncryption: false }),
    "etcd-s3-secret-key is set here and unset in the stack",
  ],
] as const) {
  test(`S15: the stack would change ${what}: it is named`, async () => {
    assert.deepEqual(await changes({ [paths.unit]: unit(...args) }, yaml), [says, ""]);
  });
}
