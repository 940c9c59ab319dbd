import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { parse } from "yaml";
import { readStack } from "../../config/load.ts";
import { problemLine } from "../../config/problems.ts";
import { asPulumi } from "./example.ts";

const directory = new URL("../../examples/", import.meta.url);
const s3Keys = ["homelab-k3s:s3AccessKey", "homelab-k3s:s3SecretKey"];

for (const file of readdirSync(directory)) {
  test(`examples/${file} is a good configuration once its secrets are set`, () => {
    const { config } = parse(readFileSync(new URL(file, directory), "utf8")) as {
      config: Record<string, unknown>;
    };
    const backup = config["homelab-k3s:backup"] as { s3?: object } | undefined;
    const secrets = backup?.s3 ? s3Keys : [];
    const values = asPulumi({
      ...config,
      ...Object.fromEntries(secrets.map((key) => [key, "an-example-of-a-key"])),
    });
    const { problems } = readStack("homelab-k3s", { values, isSecret: (key) => secrets.includes(key) });
    assert.deepEqual(problems.map(problemLine), []);
  });
}
