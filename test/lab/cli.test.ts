import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { unchanged } from "../../lab/proof.ts";
import { ensureToolchain } from "../../lab/toolchain/toolchain.ts";
import { nodesOf } from "../../measure/kube.ts";
import { type OwnStack, ownStack } from "./own-stack.ts";
import { adminOf, type Rehearsal, rehearse, skip, timeout } from "./support.ts";

const { languageHost } = skip ? {} : await ensureToolchain();
if (!languageHost)
  console.log(
    "a plain `pulumi up` is not tried here: found no pulumi-language-nodejs on PATH, in ~/.pulumi/bin or beside the CLI",
  );
else
  describe("a plain `pulumi up`, as an operator types it", { timeout }, () => {
    let rehearsal: Rehearsal;
    let stack: OwnStack;

    before(async () => {
      rehearsal = await rehearse("cli", { servers: 1, agents: 0 });
      stack = await ownStack(rehearsal);
    });
    after(async () => {
      await stack?.end();
      await rehearsal?.end();
    });

    const pulumi = async (...args: string[]) => {
      const { code, stdout, stderr } = await stack.pulumi([...args, "--stack", "lab"]);
      assert.equal(code, 0, `${args.join(" ")}:\n${stdout}\n${stderr}`);
      return stdout;
    };

    test("C3 it makes the cluster, and a preview afterwards finds nothing to do", async (t) => {
      const began = Date.now();
      await pulumi("up", "--yes", "--skip-preview");
      t.diagnostic(`up: ${((Date.now() - began) / 1000).toFixed(1)} s`);
      const admin = await adminOf(rehearsal.cluster);
      assert.deepEqual(
        (await nodesOf(admin)).map(({ name, ready }) => [name, ready]),
        [["server-1", true]],
      );
      await pulumi("preview", "--expect-no-changes");
    });

    test("C3 S19 whoever runs the same program inside their own finds nothing to do either", async () => {
      unchanged(await rehearsal.cluster.operate("up"));
    });
  });
