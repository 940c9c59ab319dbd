import assert from "node:assert/strict";
import { mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { after, before, test } from "node:test";
import * as command from "@pulumi/command";
import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import {
  type EngineEvent,
  LocalWorkspace,
  type PulumiFn,
  type Stack,
} from "@pulumi/pulumi/automation/index.js";
import * as random from "@pulumi/random";
import { build } from "../../lab/toolchain/build.ts";
import { ensureToolchain } from "../../lab/toolchain/toolchain.ts";
import { PROVIDERS } from "../../lab/toolchain/versions.ts";
import { type FakeKubeApi, refusedMood, serveKubeApi } from "./fake-kube-api.ts";

/** The first build of everything takes minutes. */
const timeout = 15 * 60_000;

let directory: string;
let api: FakeKubeApi;
let env: Record<string, string>;

before(
  async () => {
    directory = await mkdtemp(join(tmpdir(), "toolchain-test-"));
    api = await serveKubeApi();
    const toolchain = await ensureToolchain();
    // the stand-ins even where the real providers could be had: it is they who are tested
    const providers = await build("providers", () => {});
    for (const name of PROVIDERS) await symlink(providers, join(directory, `pulumi-resource-${name}`));
    env = {
      ...toolchain.env,
      PATH: [directory, toolchain.env.PATH].join(delimiter),
      PULUMI_HOME: join(directory, "home"),
      PULUMI_BACKEND_URL: `file://${directory}`,
      PULUMI_CONFIG_PASSPHRASE: "only a test",
    };
    process.env.PATH = env.PATH;
  },
  { timeout },
);

after(async () => {
  await api.close();
  await rm(directory, { recursive: true });
});

function open(stackName: string, program: PulumiFn): Promise<Stack> {
  return LocalWorkspace.createOrSelectStack(
    { stackName, projectName: "toolchain", program },
    { envVars: env },
  );
}

/** What the engine did, and what it would have done: `op name` of every resource but those that stay the same. */
async function run(stack: Stack, operation: "preview" | "up" | "destroy" | "refresh") {
  const steps: string[] = [];
  const problems: string[] = [];
  const onEvent = ({ resourcePreEvent, diagnosticEvent }: EngineEvent) => {
    const { op, urn, type } = resourcePreEvent?.metadata ?? {};
    if (op && op !== "same" && !type?.startsWith("pulumi:")) steps.push(`${op} ${urn?.split("::").pop()}`);
    if (diagnosticEvent?.severity === "error") problems.push(diagnosticEvent.message);
  };
  const failed = await stack[operation]({ onEvent, color: "never" }).then(
    () => false,
    () => true,
  );
  return { steps: steps.sort(), problems: problems.join("\n"), failed };
}

type Wanted = { said: string; setting: string; keeper: string };

const program =
  ({ said, setting, keeper }: Wanted) =>
  async () => {
    const hello = new command.local.Command("hello", {
      create: `echo ${said}`,
      update: `echo ${said}`,
      delete: "true",
    });
    const password = new random.RandomPassword("password", {
      length: 30,
      special: false,
      keepers: { keeper },
    });
    const provider = new kubernetes.Provider("cluster", {
      kubeconfig: pulumi.secret(pulumi.interpolate`${api.kubeconfig}${hello.stdout.apply(() => "")}`),
      clusterIdentifier: "fake",
    });
    const settings = new kubernetes.core.v1.ConfigMap("settings", { data: { setting } }, { provider });
    return { said: hello.stdout, password: password.result, name: settings.metadata.name };
  };

test("the stand-ins go through preview, up, changes and destroy like the real providers", {
  timeout,
}, async () => {
  const wanted = { said: "one", setting: "a", keeper: "k" };
  let stack = await open("life", program(wanted));
  const created = ["create hello", "create password", "create settings"];
  assert.deepEqual(await run(stack, "preview"), { steps: created, problems: "", failed: false });
  assert.equal(api.objects.size, 0, "a preview changes nothing");
  assert.deepEqual(await run(stack, "up"), { steps: created, problems: "", failed: false });
  const first = await stack.outputs();
  assert.equal(first.said?.value, "one");
  assert.match(first.password?.value, /^[A-Za-z0-9]{30}$/);
  assert.equal(first.password?.secret, true);
  assert.match(first.name?.value, /^settings-[0-9a-f]{8}$/);
  assert.deepEqual([...api.objects.keys()], [`default/${first.name?.value}`]);

  assert.deepEqual(await run(stack, "up"), { steps: [], problems: "", failed: false }, "nothing has changed");
  assert.deepEqual(
    (await run(stack, "refresh")).steps.filter((step) => !step.startsWith("refresh")),
    [],
  );

  // with a provider that is unknown at preview, everything made through it may change
  stack = await open("life", program({ ...wanted, said: "two" }));
  assert.deepEqual((await run(stack, "preview")).steps, ["update hello", "update settings"]);
  assert.deepEqual((await run(stack, "up")).steps, ["update hello"]);

  stack = await open("life", program({ said: "two", setting: "b", keeper: "other" }));
  const replaced = ["create-replacement", "delete-replaced", "replace"];
  const both = replaced.flatMap((op) => [`${op} password`, `${op} settings`]);
  assert.deepEqual((await run(stack, "up")).steps, both);
  const second = await stack.outputs();
  assert.notEqual(second.password?.value, first.password?.value);
  assert.deepEqual([...api.objects.keys()], [`default/${second.name?.value}`]);

  assert.deepEqual((await run(stack, "destroy")).steps, [
    "delete hello",
    "delete password",
    "delete settings",
  ]);
  assert.equal(api.objects.size, 0);
});

test("a command that fails says what ran and all that it wrote", { timeout }, async () => {
  const stack = await open("failing", async () => {
    new command.local.Command("broken", { create: "echo seen; echo why >&2; exit 3", logging: "none" });
  });
  const { failed, problems } = await run(stack, "up");
  assert.equal(failed, true);
  assert.match(problems, /exit status 3: running "echo seen; echo why >&2; exit 3":\n(seen\nwhy|why\nseen)/);
});

test("a machine that does not answer is dialled as often as the program says", { timeout }, async () => {
  const stack = await open("unreachable", async () => {
    const connection = { host: "127.0.0.1", port: 1, dialErrorLimit: 1, password: "none" };
    new command.remote.Command("nobody", { connection, create: "true" });
  });
  const { failed, problems } = await run(stack, "up");
  assert.equal(failed, true);
  assert.match(problems, /after 1 failed attempts: dial tcp 127\.0\.0\.1:1: connect: connection refused/);
});

test("an object that the server refuses is tried again", { timeout }, async () => {
  const withMood = (mood: string) => async () => {
    const provider = new kubernetes.Provider("cluster", { kubeconfig: api.kubeconfig });
    const metadata = { name: "settings", labels: { mood } };
    new kubernetes.core.v1.ConfigMap("settings", { metadata, data: { a: "b" } }, { provider });
  };
  assert.equal((await run(await open("refused", withMood("good")), "up")).failed, false);
  const refused = await open("refused", withMood(refusedMood));
  for (const operation of ["preview", "up"] as const) {
    const { failed, problems } = await run(refused, operation);
    assert.equal(failed, true, operation);
    assert.match(problems, /"default\/settings" failed to fully initialize or become live: it is Invalid/);
  }
  const stack = await open("refused", withMood("good"));
  assert.deepEqual(await run(stack, "up"), { steps: ["update settings"], problems: "", failed: false });
  assert.deepEqual((await run(stack, "destroy")).steps, ["delete settings"]);
});
