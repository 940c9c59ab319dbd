import assert from "node:assert/strict";
import { test } from "node:test";
import { requireCluster } from "../../config/parse.ts";
import { certificateNames, serverConfig } from "../../config/render.ts";
import { exampleInput } from "../unit/example.ts";
import { functions, replies } from "./shell.ts";

const config = requireCluster(exampleInput({ tlsSans: ["k3s.example.org", "203.0.113.7"] }));
const yaml = serverConfig(config, config.servers[0]!, "token");

test("P3 the names that are looked for are those of the configuration that was sent", async () => {
  const [text] = await replies("flag_value", [["tls-san", yaml]]);
  const expected = certificateNames(config, config.servers[0]!);
  assert.ok(expected.includes("k3s.example.org"));
  assert.deepEqual(text!.split(","), expected);
});

/** A server whose certificate has all names but `missing`, until it was issued anew `enough` times. */
const check = (missing: string, enough: number) =>
  functions(
    `NAMES_PATIENCE=0 SERVICE_TOUCHED=1 WAS_ACTIVE=yes UNIT=k3s.service WANTED_CONFIG=$1 rotations=0
     lacking=$2 needed=$3
     rotate_certificates() { ((++rotations)); }; run_service() { :; }; wait_voter() { :; }
     curl() { [[ \${!#} != "https://$lacking:6443/ping" || $rotations -ge $needed ]]; }
     trap 'echo "$rotations"' EXIT
     check_names`,
    [yaml, missing, String(enough)],
  );

test("P3 names that a start did not bring are brought by new certificates, once", async () => {
  const rows = [
    ["nothing", 1, 0, "0\n"],
    ["k3s.example.org", 1, 0, "1\n"],
    ["203.0.113.7", 1, 0, "1\n"],
    ["k3s.example.org", 2, 1, "1\n"],
  ] as const;
  for (const [missing, enough, code, rotations] of rows) {
    const ended = await check(missing, enough);
    assert.deepEqual([ended.code, ended.stdout], [code, rotations], `${missing} ${enough}: ${ended.stderr}`);
    if (code === 1) assert.match(ended.stderr, /still lacks k3s\.example\.org, although it was issued anew/);
  }
});
