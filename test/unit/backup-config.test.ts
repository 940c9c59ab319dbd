import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "yaml";
import { readStack } from "../../config/load.ts";
import { parseCluster, requireCluster } from "../../config/parse.ts";
import { problemLine } from "../../config/problems.ts";
import { serverConfig } from "../../config/render.ts";
import { exampleInput } from "./example.ts";

const s3 = { endpoint: "s3.example.org:9000", bucket: "backups" };
const keys = { accessKey: "CanaryAccess", secretKey: "Canary/Secret+1=" };

const problems = (more: Record<string, unknown>) =>
  parseCluster(exampleInput(more)).problems.map(problemLine).join("\n");

const rendered = (backup: Record<string, unknown> | undefined, withKeys = true) => {
  const config = requireCluster(exampleInput(backup && { backup }));
  const text = serverConfig(config, config.servers[0]!, "token", withKeys ? keys : undefined);
  return parse(text) as Record<string, unknown>;
};

test("P5 without a word about backups k3s' own schedule is said aloud, and nothing of S3", () => {
  const config = rendered(undefined);
  assert.equal(config["etcd-snapshot-schedule-cron"], "0 */12 * * *");
  assert.equal(config["etcd-snapshot-retention"], 5);
  assert.deepEqual(
    Object.keys(config).filter((key) => key.startsWith("etcd-s3")),
    [],
  );
});

test("P5 M4 schedule, retention and S3 reach config.yaml as values", () => {
  const config = rendered({
    schedule: "* * * * *",
    retention: 3,
    s3: { ...s3, folder: "a/b", region: "eu-1", insecure: true },
  });
  assert.equal(config["etcd-snapshot-schedule-cron"], "* * * * *");
  assert.equal(config["etcd-snapshot-retention"], 3);
  const found = Object.entries(config).filter(([key]) => key.startsWith("etcd-s3"));
  assert.deepEqual(Object.fromEntries(found), {
    "etcd-s3": true,
    "etcd-s3-endpoint": "s3.example.org:9000",
    "etcd-s3-bucket": "backups",
    "etcd-s3-region": "eu-1",
    "etcd-s3-folder": "a/b",
    "etcd-s3-insecure": true,
    "etcd-s3-retention": 3,
    "etcd-s3-access-key": "CanaryAccess",
    "etcd-s3-secret-key": "Canary/Secret+1=",
  });
});

const refused: readonly (readonly [what: string, backup: Record<string, unknown>, text: RegExp])[] = [
  ["a schedule that is none", { schedule: "hourly" }, /backup\.schedule: found "hourly"; wanted a cron/],
  ["no snapshot kept", { retention: 0 }, /backup\.retention: found 0; wanted a whole number from 1/],
  ["S3 without a bucket", { s3: {} }, /backup\.s3\.bucket: found nothing/],
  ["a URL as endpoint", { s3: { ...s3, endpoint: "https://s3.example.org" } }, /Leave out https/],
  ["a folder that climbs", { s3: { ...s3, folder: "a/../b" } }, /backup\.s3\.folder/],
  ["~ in a directory", { copyTo: "~/backup" }, /backup\.copyTo: found "~\/backup"/],
  [
    "http with certificates",
    { s3: { ...s3, insecure: true, skipVerify: true } },
    /skipVerify.*wanted one of them/,
  ],
  [
    "a key in the open",
    { s3: { ...s3, secretKey: "CanaryX" } },
    /backup\.s3\.secretKey: found a key that is not known/,
  ],
];

for (const [what, backup, text] of refused) {
  test(`S06 ${what} is refused`, () => {
    const found = problems({ backup });
    assert.match(found, text);
    assert.doesNotMatch(found, /Canary/);
  });
}

test("S06 a snapshot on demand cannot pass for a scheduled one, which k3s deletes", () => {
  assert.match(
    problems({ snapshots: ["etcd-snapshot-mine"] }),
    /snapshots\[0\].*does not begin with etcd-snapshot/,
  );
});

/** A stack with backups in S3 and some of the keys, encrypted or not. */
const stack = (values: Record<string, string>, backup: object | undefined, encrypted = true) => {
  const input = { ...exampleInput(), ...(backup && { backup }), ...values };
  const texts = Object.entries(input).map(([name, value]) => [
    `homelab-k3s:${name}`,
    typeof value === "string" ? value : JSON.stringify(value),
  ]);
  const isSecret = (name: string) => encrypted && Object.keys(values).some((key) => name.endsWith(`:${key}`));
  return readStack("homelab-k3s", { values: Object.fromEntries(texts), isSecret }).problems.map(problemLine);
};
const both = { s3AccessKey: keys.accessKey, s3SecretKey: keys.secretKey };

test("S06 S3 wants both of its keys, encrypted; keys want S3", () => {
  assert.deepEqual(stack(both, { s3 }), []);
  const none = stack({}, { s3 }).join("\n");
  assert.match(
    none,
    /^s3AccessKey: found nothing.*config set --secret s3AccessKey.*\ns3SecretKey: found nothing/,
  );
  assert.match(stack({ s3AccessKey: keys.accessKey }, { s3 }).join("\n"), /^s3SecretKey: found nothing/);
  assert.match(stack(both, undefined).join("\n"), /^s3AccessKey: found a key, and no backup\.s3/);
  assert.match(
    stack(both, { s3 }, false).join("\n"),
    /s3SecretKey: found a plain-text value that is not shown/,
  );
  const broken = stack({ ...both, s3SecretKey: "Canary\n" }, { s3 }).join("\n");
  assert.match(broken, /^s3SecretKey: found a value that is not shown; wanted 8 to 128/);
  assert.doesNotMatch(broken, /Canary/);
});
