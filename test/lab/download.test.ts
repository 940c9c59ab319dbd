import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import { after, before, describe, test } from "node:test";
import { type Cluster, failedUp, output, type Rehearsal, rehearse, skip, timeout } from "./support.ts";

describe("downloads that are not what they should be", { skip, timeout }, () => {
  let rehearsal: Rehearsal;
  let cluster: Cluster;
  let liar: Server;
  let lie: (good: Buffer) => Buffer = (good) => good;

  before(async () => {
    rehearsal = await rehearse("dl", { servers: 1, agents: 0 });
    cluster = rehearsal.cluster;
    const { mirror, version } = rehearsal.prepared.release;
    const good = Buffer.from(
      await (await fetch(`${mirror}/${encodeURIComponent(version)}/k3s`)).arrayBuffer(),
    );
    liar = createServer((_, response) => response.end(lie(good)));
    await new Promise<void>((resolve) => liar.listen(0, cluster.lab.hostAddress, resolve));
    const { port } = liar.address() as { port: number };
    await cluster.configure({ more: { download: { mirror: `http://${cluster.lab.hostAddress}:${port}` } } });
  });
  after(async () => {
    liar?.close();
    await rehearsal?.end();
  });

  const refused = async (expected: RegExp) => {
    const server = cluster.machine("server-1");
    assert.match(await failedUp(rehearsal), expected);
    const left = await output(
      server,
      "ls -A /usr/local/bin /etc/rancher /etc/systemd/system/k3s.service 2>/dev/null || true",
    );
    assert.doesNotMatch(left, /k3s/);
  };

  test("S40 a binary that was tampered with is refused before it takes its place", async () => {
    lie = (good) => {
      const bad = Buffer.from(good);
      bad[bad.length >> 1]! ^= 1;
      return bad;
    };
    await refused(/server-1: .*sha256/i);
  });

  test("S40 a truncated one too", async () => {
    lie = (good) => good.subarray(0, good.length / 2);
    await refused(/server-1: .*(sha256|truncated|short|incomplete)/i);
  });

  test("S40 and a page that says that something is wrong", async () => {
    lie = () => Buffer.from("<html>404</html>");
    await refused(/server-1: /);
  });

  test("S40 a checksum that fits no binary is the stack's mistake, and nothing is left behind", async () => {
    lie = (good) => good;
    const { arch } = rehearsal.prepared.release;
    await cluster.configure({ more: { checksums: { [arch]: "0".repeat(64) } } });
    await refused(/server-1: .*0000/);
  });

  test("S40 the right binary is taken by the next run", async () => {
    await cluster.configure({ more: {} });
    await cluster.operate("up");
    const sum = await output(cluster.machine("server-1"), "sha256sum /usr/local/bin/k3s");
    assert.equal(sum.split(" ")[0], rehearsal.prepared.release.sha256);
  });
});
