import assert from "node:assert/strict";
import { test } from "node:test";
import { type Ended, functions, rootWith } from "./shell.ts";

/** A machine with all that a server needs. */
const enough = {
  "run/systemd/system/.keep": "",
  "etc/os-release": 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n',
  "etc/machine-id": `${"1".repeat(32)}\n`,
  "proc/meminfo": "MemTotal:        8123456 kB\nMemFree:          123456 kB\n",
  "proc/net/route":
    "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\neth0\t00000000\t0100A8C0\t0003\t0\t0\t0\t00000000\n",
};

/** The same, whatever machine the test runs on. */
const machine = `nproc() { echo 4; }; uname() { if [[ $1 == -s ]]; then echo Linux; else echo x86_64; fi; }
systemctl() { return 1; }; ufw() { return 1; }; systemd-detect-virt() { return 1; }
curl() { echo 'Features: HTTP2 HTTPS-proxy'; }`;

/** Inspects a machine that differs from it in some files, and in what some commands say. */
const inspect = (
  role: string,
  files: Readonly<Record<string, string>> = {},
  commands = "",
  version = "v1.34.2+k3s1",
): Promise<Ended> =>
  functions(
    `${machine}\n${commands}\nverb_inspect "$@"`,
    ["--name", "tower", "--role", role, "--address", "192.0.2.11", "--version", version],
    rootWith({ ...enough, ...files }),
  );

const memory = (mib: number) => ({ "proc/meminfo": `MemTotal: ${mib * 1024} kB\n` });

test("S11 a machine with what a server needs is one, and says what it has", async () => {
  const { code, stdout, stderr } = await inspect("server");
  assert.equal(code, 0, stderr);
  const { cores, memoryMiB, os, arch, warnings } = JSON.parse(stdout);
  assert.deepEqual(
    [cores, memoryMiB, os, arch, warnings],
    [4, 7933, "Debian GNU/Linux 12 (bookworm)", "amd64", []],
  );
});

test("S11 too little CPU and memory: both are named, with what is wanted, before anything is changed", async () => {
  const { code, stderr } = await inspect("server", memory(1024), "nproc() { echo 1; }");
  assert.equal(code, 3);
  assert.match(stderr, /tower/);
  assert.match(stderr, /1 CPU core\(s\), a k3s server needs 2/);
  assert.match(stderr, /1024 MiB of memory, a k3s server needs at least 1843 MiB/);
  assert.match(stderr, /list it among the agents/);
});

test("S11 what is too little for a server may be enough for an agent; firmware's share is allowed for", async () => {
  assert.equal((await inspect("agent", memory(1024), "nproc() { echo 1; }")).code, 0);
  assert.equal((await inspect("agent", memory(460))).code, 0);
  assert.equal((await inspect("server", memory(1843), "nproc() { echo 2; }")).code, 0);
  const { code, stderr } = await inspect("agent", memory(459));
  assert.equal(code, 3);
  assert.match(stderr, /459 MiB of memory, a k3s agent needs at least 460 MiB/);
});

test("M1 no way out of the network, an unknown processor, a curl without HTTP/2: all in one refusal", async () => {
  const commands =
    "uname() { if [[ $1 == -s ]]; then echo Linux; else echo riscv64; fi; }; curl() { echo 'Features: SSL'; }";
  const { code, stderr } = await inspect("server", { "proc/net/route": "Iface\tDestination\n" }, commands);
  assert.equal(code, 3);
  assert.match(stderr, /architecture is riscv64; k3s is released for x86_64 and aarch64/);
  assert.match(stderr, /no HTTP\/2/);
  assert.match(stderr, /there is no default route/);
});

test("M1 SELinux that enforces needs k3s' policy, and its package is named", async () => {
  const enforcing = { "sys/fs/selinux/enforce": "1" };
  const { code, stderr } = await inspect("server", enforcing);
  assert.equal(code, 3);
  assert.match(stderr, /k3s-selinux/);
  const policy = { "usr/share/selinux/packages/k3s.pp": "" };
  assert.equal((await inspect("server", { ...enforcing, ...policy })).code, 0);
  assert.equal((await inspect("server", { "sys/fs/selinux/enforce": "0" })).code, 0);
});

test("M1 a firewall that will not let k3s through is warned about, with the commands that open it", async () => {
  const warnings = async (commands: string) => {
    const { code, stdout, stderr } = await inspect("server", {}, commands);
    assert.equal(code, 0, stderr);
    return (JSON.parse(stdout).warnings as string[]).join("\n");
  };
  const firewalld = (ports: string) =>
    `systemctl() { [[ $* == *firewalld* ]]; }; firewall-cmd() { echo '${ports}'; }`;
  assert.match(
    await warnings(firewalld("22/tcp 6443/tcp")),
    /--add-port=2379-2380\/tcp --add-port=10250\/tcp/,
  );
  assert.doesNotMatch(await warnings(firewalld("22/tcp 6443/tcp")), /--add-port=6443/);
  assert.equal(await warnings(firewalld("6443/tcp 2379-2380/tcp 10250/tcp 8472/udp")), "");
  const ufw = (rules: string) => `ufw() { printf '${rules}'; }`;
  assert.match(
    await warnings(ufw("Status: active\\n6443/tcp ALLOW Anywhere\\n")),
    /ufw allow 2379:2380\/tcp/,
  );
  assert.equal(await warnings(ufw("Status: inactive\\n")), "");
});

/** Control groups of version 1, or of both versions, as they are mounted. */
const version1 = { "sys/fs/cgroup/memory/tasks": "", "sys/fs/cgroup/unified/cgroup.controllers": "" };
const version2 = { "sys/fs/cgroup/cgroup.controllers": "cpuset cpu io memory hugetlb pids rdma\n" };
const kubelet = (name: string, text: string) => ({
  [`var/lib/rancher/k3s/agent/etc/kubelet.conf.d/${name}`]: text,
});
const configuration = (value: boolean) =>
  `apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\nfailCgroupV1: ${value}\n`;

test("S46 F6 k3s from 1.35 on is refused where control groups are of version 1, naming the setting and both ways on", async () => {
  for (const role of ["server", "agent"])
    for (const version of ["v1.35.4+k3s1", "v1.36.1+k3s1"]) {
      const { code, stderr } = await inspect(role, version1, "", version);
      assert.equal(code, 3);
      assert.match(
        stderr,
        /the kubelet of v1\.3[56]\.\d\+k3s1 does not start: its setting failCgroupV1 is true/,
      );
      assert.match(stderr, /systemd\.unified_cgroup_hierarchy=1/);
      assert.match(stderr, /agent\/etc\/kubelet\.conf\.d\/50-cgroup-v1\.conf .*failCgroupV1: false/);
    }
  const runs = async (files: Readonly<Record<string, string>>, version: string, role = "server") =>
    assert.equal((await inspect(role, files, "", version)).code, 0);
  await runs(version1, "v1.34.9+k3s1");
  await runs(version2, "v1.35.4+k3s1");
  await runs(version1, "v1.35.4+k3s1", "balancer");
});

test("S46 a kubelet that was told to run on version 1 is let: by the last file, by k3s' own files, by a drop-in", async () => {
  const code = async (files: Readonly<Record<string, string>>) =>
    (await inspect("agent", { ...version1, ...files }, "", "v1.35.4+k3s1")).code;
  assert.equal(await code(kubelet("50-lab.conf", configuration(false))), 0);
  assert.equal(await code(kubelet("x/50.conf", '{"kind":"KubeletConfiguration", "failCgroupV1":false}')), 0);
  assert.equal(await code(kubelet("50-lab.conf", "# failCgroupV1: false\n")), 3);
  assert.equal(await code(kubelet("50-lab.yaml", configuration(false))), 3, "the kubelet reads *.conf");
  const both = (first: boolean, last: boolean) => ({
    ...kubelet("10-a.conf", configuration(first)),
    ...kubelet("90-z.conf", configuration(last)),
  });
  assert.deepEqual([await code(both(true, false)), await code(both(false, true))], [0, 3]);
  const argument = (value: string) => ({
    "etc/rancher/k3s/config.yaml.d/50.yaml": `kubelet-arg:\n  - fail-cgroupv1=${value}\n`,
  });
  assert.equal(await code(argument("false")), 0);
  assert.equal(await code({ ...kubelet("50.conf", configuration(false)), ...argument("true") }), 3);
  const dropIn = "[Service]\nExecStartPre=cp /opt/v1.conf /var/lib/rancher/k3s/agent/etc/kubelet.conf.d/\n";
  assert.equal(await code({ "etc/systemd/system/k3s-agent.service.d/v1.conf": dropIn }), 0);
});

test("S46 the steps server and agent ask it again, with the settings that they bring", async () => {
  const asked = (role: string, config: string) =>
    functions(
      `${machine}\nARG[version]=v1.35.4+k3s1 WANTED_CONFIG=$1; preflight ${role}`,
      [config],
      rootWith({ ...enough, ...version1 }),
    );
  for (const role of ["server", "agent"]) {
    const { code, stderr } = await asked(role, "node-name: kai\n");
    assert.equal(code, 3);
    assert.match(stderr, /refused: this machine has control groups of version 1/);
    assert.equal((await asked(role, "kubelet-arg:\n  - fail-cgroupv1=false\n")).code, 0);
  }
});

test("F6 a control group that k3s needs is missing: its name, and what a Raspberry Pi wants", async () => {
  const missing = async (files: Readonly<Record<string, string>>) => (await inspect("agent", files)).stderr;
  const pi = await missing({ "sys/fs/cgroup/cgroup.controllers": "cpuset cpu io pids\n" });
  assert.match(pi, /no control group for memory, .*cgroup_enable=memory cgroup_memory=1 .*cmdline\.txt/);
  assert.match(
    await missing({ "sys/fs/cgroup/cgroup.controllers": "io\n" }),
    /for cpu, cpuset, memory, pids,/,
  );
  assert.match(await missing({ "sys/fs/cgroup/cpu/tasks": "" }), /no control group for memory,/);
});

test("F6 a container without /dev/kmsg is refused: no kubelet runs there", async () => {
  const container = "systemd-detect-virt() { :; }";
  assert.match((await inspect("agent", {}, container)).stderr, /no \/dev\/kmsg in this container/);
  assert.equal((await inspect("agent", { "dev/kmsg": "" }, container)).code, 0);
});
