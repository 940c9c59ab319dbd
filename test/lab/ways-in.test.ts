import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { unchanged, votersAre } from "../../lab/proof.ts";
import { membersOf } from "../../measure/etcd.ts";
import { waitFor } from "../../measure/wait.ts";
import { type Cluster, output, type Rehearsal, rehearse, skip, timeout } from "./support.ts";

/** Nodes as many people have them: behind a bastion, without a way to a mirror, with the key in an SSH agent. */
describe("a bastion, an SSH agent, a sudo user, and files that are uploaded", { skip, timeout }, () => {
  let rehearsal: Rehearsal;
  let cluster: Cluster;
  let directory: string;
  const agent = { ended: () => {} };
  const names = ["server-1", "agent-1"];

  before(async () => {
    rehearsal = await rehearse("in", { servers: 1, agents: 1 });
    cluster = rehearsal.cluster;
    directory = await mkdtemp(join(tmpdir(), "homelab-k3s-in-"));
    agent.ended = await sshAgent(directory, cluster.lab.privateKeyFile);
  });
  after(async () => {
    agent.ended();
    if (directory) await rm(directory, { recursive: true, force: true });
    await rehearsal?.end();
  });

  test("H4 C2 one `up` goes through the bastion and brings the files along", async () => {
    const { lab } = cluster;
    const bastion = await lab.machine({ name: "bastion", address: lab.hostAddress.replace(/\.\d+$/, ".31") });
    await bastion.start();
    await bastion.waitSsh();
    for (const name of names) await onlyFrom(bastion.address, name);
    const { mirror, version, arch } = rehearsal.prepared.release;
    const binary = join(directory, "some-k3s");
    const answer = await fetch(`${mirror}/${encodeURIComponent(version)}/k3s`);
    await writeFile(binary, Buffer.from(await answer.arrayBuffer()));
    const images = join(directory, "images.tar.gz");
    await writeFile(images, "an archive of images");
    await cluster.configure({
      sshAgent: true,
      more: {
        ssh: { user: "admin", bastion: { host: bastion.address, hostKey: bastion.hostKey } },
        upload: { [arch]: { binary, images } },
        download: { mirror: "http://192.0.2.1" },
      },
    });
    await cluster.operate("up");
    votersAre(await membersOf(cluster.machine("server-1")), ["server-1"]);
    for (const name of names) {
      const machine = cluster.machine(name);
      const sum = await output(machine, "sha256sum /usr/local/bin/k3s");
      assert.equal(sum.split(" ")[0], rehearsal.prepared.release.sha256);
      const archive = `/var/lib/rancher/k3s/agent/images/k3s-airgap-images-${arch}.tar.gz`;
      assert.equal(await output(machine, `cat ${archive}`), "an archive of images");
    }
  });

  test("S19 the second run changes nothing", async () => {
    unchanged(await cluster.operate("up"));
  });

  /** The connections that are open stay open; new ones come from the bastion only. */
  async function onlyFrom(address: string, name: string): Promise<void> {
    const machine = cluster.machine(name);
    await output(
      machine,
      `iptables -I INPUT -p tcp --dport 22 ! -s ${address} -m conntrack --ctstate NEW -j REJECT`,
    );
    await assert.rejects(once(connect(22, machine.address), "connect"), { code: "ECONNREFUSED" });
  }
});

/** An agent that holds one key, found through the environment as everybody finds theirs. */
async function sshAgent(directory: string, keyFile: string): Promise<() => void> {
  const socket = join(directory, "agent");
  const child = spawn("ssh-agent", ["-D", "-a", socket], { stdio: "ignore" });
  const env = { ...process.env, SSH_AUTH_SOCK: socket };
  await waitFor(
    "the SSH agent",
    async () => execFileSync("ssh-add", ["-q", keyFile], { env, stdio: "pipe" }),
    {
      timeoutMs: 60_000,
      everyMs: 100,
    },
  );
  const before = process.env.SSH_AUTH_SOCK;
  process.env.SSH_AUTH_SOCK = socket;
  return () => {
    if (before === undefined) delete process.env.SSH_AUTH_SOCK;
    else process.env.SSH_AUTH_SOCK = before;
    child.kill();
  };
}
