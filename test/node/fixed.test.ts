import assert from "node:assert/strict";
import { test } from "node:test";
import { requireCluster } from "../../config/parse.ts";
import { serverConfig } from "../../config/render.ts";
import { exampleInput } from "../unit/example.ts";
import { replies } from "./shell.ts";

const rendered = (k3s: Record<string, unknown>, more: Record<string, unknown> = {}) => {
  const config = requireCluster(exampleInput({ k3s, ...more }));
  return serverConfig(config, config.servers[0]!, "token");
};

const before = rendered({ disable: ["traefik", "servicelb"] });

for (const [what, after, says] of [
  ["nothing", before, ""],
  [
    "names in the certificate",
    rendered({ disable: ["servicelb", "traefik"] }, { tlsSans: ["a.example.org"] }),
    "",
  ],
  [
    "how soon pods leave a dead node",
    rendered(
      { disable: ["traefik", "servicelb"] },
      { podFailover: { tolerationSeconds: 90, graceSeconds: 45 } },
    ),
    "",
  ],
  [
    "a range",
    rendered({ disable: ["traefik", "servicelb"], clusterCidr: "10.44.0.0/16" }),
    "cluster-cidr is 10.42.0.0/16 here and 10.44.0.0/16 in the stack",
  ],
  [
    "a list",
    rendered({ disable: ["traefik"] }),
    "disable is servicelb,traefik here and traefik in the stack",
  ],
  [
    "several, one of them new",
    rendered({ clusterDns: "10.43.0.53", secretsEncryption: false }),
    "cluster-dns is unset here and 10.43.0.53 in the stack; disable is servicelb,traefik here and unset in the stack; secrets-encryption is true here and false in the stack",
  ],
] as const) {
  test(`S04: ${what} changed on a living cluster`, async () => {
    assert.deepEqual(await replies("fixed_changes", [[before, after]]), [says]);
  });
}
