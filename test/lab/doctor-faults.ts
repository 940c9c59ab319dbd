/** Faults that a hand puts into a living cluster, and what `ops doctor` must say of them. */
import type { Machine } from "../../lab/machines/machine.ts";
import { type Access, api } from "../../measure/kube.ts";
import type { Check, Severity } from "../../ops/doctor/finding.ts";
import { etcd } from "./etcd-hand.ts";
import { output } from "./support.ts";

/** Where faults are planted. */
export interface Field {
  readonly machine: (name: string) => Machine;
  readonly admin: Access;
  readonly vip: string;
  /** A server that neither leads etcd nor holds the address. */
  readonly bystander: string;
  /** A machine that does not hold the address. */
  readonly stranger: string;
}

export interface Fault {
  readonly name: string;
  readonly plant: (field: Field) => Promise<unknown>;
  readonly heal: (field: Field) => Promise<unknown>;
  readonly severity: Severity;
  readonly check: Check;
  readonly node: string | ((field: Field) => string);
  readonly found: RegExp;
}

/** A fault that is two commands on one machine. */
function onMachine(
  name: string,
  machine: string,
  plant: string,
  heal: string,
  expected: Pick<Fault, "severity" | "check" | "found">,
): Fault {
  const run = (command: string) => (field: Field) => output(field.machine(machine), `set -e; ${command}`);
  return { name, plant: run(plant), heal: run(heal), node: machine, ...expected };
}

/** Keeps a file aside and puts it back with its times. */
const keep = (file: string) => `cp -a ${file} ${file}.kept`;
const putBack = (file: string) => `mv ${file}.kept ${file}`;

const data = "/var/lib/rancher/k3s";
const state = "/var/lib/homelab-k3s";
const config = "/etc/rancher/k3s/config.yaml";
const joinFile = "/etc/rancher/k3s/config.yaml.d/10-join.yaml";
const unitFile = "/etc/systemd/system/k3s-agent.service";
const snapshots = `${data}/server/db/snapshots`;

/** A certificate that ends in ten days, as far as anybody reads it: nothing but its two times. */
function ending(): string {
  const time = (days: number) => {
    const text = new Date(Date.now() + days * 86_400_000).toISOString().replace(/[-:T]/g, "").slice(2, 14);
    return Buffer.concat([Buffer.from([0x17, 13]), Buffer.from(`${text}Z`)]);
  };
  const der = Buffer.concat([time(-1), time(10)]).toString("base64");
  return `-----BEGIN CERTIFICATE-----\n${der}\n-----END CERTIFICATE-----`;
}

const plantedPeer = "https://192.0.2.99:2380";

/** Altered by hand: what lies on the disks. */
export const altered: readonly Fault[] = [
  onMachine(
    "a changed unit",
    "agent-1",
    `${keep(unitFile)}; echo '# mine' >> ${unitFile}`,
    putBack(unitFile),
    {
      severity: "warning",
      check: "unit",
      found: /k3s-agent\.service differs/,
    },
  ),
  onMachine(
    "a changed binary",
    "agent-1",
    "cd /usr/local/bin && cp -a k3s k3s.other && printf '\\nK3S-STANDIN-VERSION=v1.34.2+k3s1\\n' >> k3s.other && mv k3s k3s.kept && mv k3s.other k3s",
    "mv /usr/local/bin/k3s.kept /usr/local/bin/k3s",
    { severity: "critical", check: "binary", found: /calls itself v1\.34\.2\+k3s1/ },
  ),
  onMachine("a token that others may read", "server-1", `chmod 644 ${joinFile}`, `chmod 600 ${joinFile}`, {
    severity: "warning",
    check: "permissions",
    found: /10-join\.yaml 644 0/,
  }),
  onMachine(
    "another token",
    "server-2",
    `${keep(joinFile)}; sed -i 's/^token:.*/token: "another-password"/' ${joinFile}`,
    putBack(joinFile),
    { severity: "warning", check: "token", found: /10-join\.yaml differs/ },
  ),
  onMachine(
    "changed settings",
    "server-3",
    `${keep(config)}; sed -i 's/^cluster-domain:.*/cluster-domain: other.local/' ${config}`,
    putBack(config),
    {
      severity: "warning",
      check: "config",
      found: /cluster-domain \("other\.local" instead of "cluster\.local"\)/,
    },
  ),
  onMachine(
    "a second file of settings",
    "agent-1",
    "echo 'debug: true' > /etc/rancher/k3s/config.yaml.d/99-mine.yaml",
    "rm /etc/rancher/k3s/config.yaml.d/99-mine.yaml",
    { severity: "warning", check: "config", found: /99-mine\.yaml, which may override/ },
  ),
];

/** What a long life or an unlucky hour leaves behind. */
export const worn: readonly Fault[] = [
  onMachine(
    "a corrupt snapshot",
    "server-1",
    `mkdir -p ${snapshots}; echo garbage > ${snapshots}/etcd-snapshot-server-1-$(date +%s)`,
    `rm ${snapshots}/etcd-snapshot-server-1-*`,
    { severity: "warning", check: "snapshot", found: /is not an etcd database/ },
  ),
  onMachine("no snapshot for three days", "server-3", `touch -d '3 days ago' ${config}`, `touch ${config}`, {
    severity: "warning",
    check: "snapshot",
    found: /there is no snapshot, although one is due every 12 h/,
  }),
  onMachine(
    "a full disk",
    "server-2",
    `mkdir -p ${snapshots} && mount -t tmpfs -o size=64k tmpfs ${snapshots} && head -c 64K /dev/zero > ${snapshots}/.filler`,
    `umount ${snapshots}`,
    { severity: "critical", check: "disk", found: /snapshots is used to 100 % \(/ },
  ),
  {
    name: "a certificate near its end",
    plant: ({ machine }) =>
      output(machine("server-3"), `cat > ${data}/server/tls/planted.crt <<'END'\n${ending()}\nEND`),
    heal: ({ machine }) => output(machine("server-3"), `rm ${data}/server/tls/planted.crt`),
    severity: "warning",
    check: "certificates",
    node: "server-3",
    found: /a certificate ends in 9 days/,
  },
  onMachine(
    "a clock that is ahead",
    "agent-1",
    // machines of the lab share one clock, so the program that tells it is another
    `printf '#!/bin/sh\\n[ "$*" = +%%s%%3N ] && exec /usr/bin/date -d "90 seconds" "$@"\\nexec /usr/bin/date "$@"\\n' > /usr/local/bin/date; chmod 755 /usr/local/bin/date`,
    "rm /usr/local/bin/date",
    { severity: "critical", check: "clock", found: /its clock is (?:89|90)\.\d s ahead/ },
  ),
  onMachine(
    "an interrupted step",
    "server-2",
    `${keep(`${state}/step`)}; printf '2031-01-01T00:00:00+0000 verb server\\n2031-01-01T00:00:01+0000 begin fetch\\n' > ${state}/step`,
    putBack(`${state}/step`),
    { severity: "warning", check: "unfinished", found: /the step server, begun at 2031.*last: begin fetch/ },
  ),
  onMachine(
    "a half-done restore",
    "server-1",
    `mkdir -p ${state}/restore/r9 && echo halted > ${state}/restore/r9/state`,
    `rm -r ${state}/restore/r9`,
    { severity: "critical", check: "unfinished", found: /the restore r9, last: halted/ },
  ),
];

const nodesPath = "/api/v1/nodes";
const cordon = (unschedulable: boolean) => (field: Field) =>
  output(field.machine("server-1"), `k3s kubectl ${unschedulable ? "cordon" : "uncordon"} agent-1`);

/** What stands in etcd, in the API and on the network. */
export const foreign: readonly Fault[] = [
  {
    name: "a learner that somebody added",
    plant: ({ machine }) =>
      etcd(machine("server-1"), "cluster/member/add", { peerURLs: [plantedPeer], isLearner: true }),
    heal: async ({ machine }) => {
      type List = { members: { ID: string; peerURLs: string[] }[] };
      const { members } = await etcd<List>(machine("server-1"), "cluster/member/list", {});
      const { ID } = members.find(({ peerURLs }) => peerURLs.includes(plantedPeer))!;
      await etcd(machine("server-1"), "cluster/member/remove", { ID });
    },
    severity: "warning",
    check: "members",
    node: "cluster",
    found: /at 192\.0\.2\.99 never started/,
  },
  {
    name: "a Node that nobody declared",
    plant: ({ admin }) =>
      api(admin, "POST", nodesPath, { apiVersion: "v1", kind: "Node", metadata: { name: "stray" } }),
    heal: ({ admin }) => api(admin, "DELETE", `${nodesPath}/stray`),
    severity: "warning",
    check: "nodes",
    node: "cluster",
    found: /the Node stray is not in the stack/,
  },
  {
    name: "a cordoned Node",
    plant: cordon(true),
    heal: cordon(false),
    severity: "notice",
    check: "nodes",
    node: "agent-1",
    found: /cordoned/,
  },
  {
    name: "S26 the address on a second machine",
    plant: ({ machine, vip, stranger }) => output(machine(stranger), `ip address add ${vip}/32 dev lo`),
    heal: ({ machine, vip, stranger }) => output(machine(stranger), `ip address del ${vip}/32 dev lo`),
    severity: "critical",
    check: "endpoint",
    node: "cluster",
    found: /is on (\S+) and \S+ at the same time/,
  },
  onMachine(
    "a unit that was extended",
    "agent-1",
    "mkdir -p /etc/systemd/system/k3s-agent.service.d && printf '[Service]\\nNice=1\\n' > /etc/systemd/system/k3s-agent.service.d/mine.conf && systemctl daemon-reload",
    "rm -r /etc/systemd/system/k3s-agent.service.d && systemctl daemon-reload",
    { severity: "notice", check: "unit", found: /mine\.conf/ },
  ),
  onMachine(
    "a service that does not come back after a reboot",
    "server-2",
    "systemctl disable --quiet k3s.service",
    "systemctl enable --quiet k3s.service",
    { severity: "warning", check: "service", found: /does not come back after a reboot/ },
  ),
  {
    name: "S13 a port that is blocked between two servers",
    plant: ({ machine, bystander }) =>
      output(
        machine(bystander),
        "nft add table inet planted && nft add chain inet planted in '{ type filter hook input priority 0; }' && nft add rule inet planted in tcp dport 2379 ip saddr != 127.0.0.1 tcp flags syn / syn,ack drop",
      ),
    heal: ({ machine, bystander }) => output(machine(bystander), "nft delete table inet planted"),
    severity: "critical",
    check: "ports",
    node: ({ bystander }) => bystander,
    found: /^TCP 2379 does not answer server-\d and server-\d$/,
  },
];

/** What does not run or cannot be reached; what the others miss of it is not said again. */
export const gone: readonly Fault[] = [
  onMachine("k3s that is stopped", "agent-1", "systemctl stop k3s-agent", "systemctl start k3s-agent", {
    severity: "warning",
    check: "service",
    found: /^k3s-agent\.service is inactive \(dead\)$/,
  }),
  {
    name: "a machine that cannot be reached",
    plant: ({ machine, bystander }) =>
      output(
        machine(bystander),
        "nft add table inet planted && nft add chain inet planted in '{ type filter hook input priority 0; }' && nft add rule inet planted in tcp dport 22 tcp flags syn / syn,ack reject with tcp reset",
      ),
    heal: ({ machine, bystander }) => output(machine(bystander), "nft delete table inet planted"),
    severity: "critical",
    check: "reachable",
    node: ({ bystander }) => bystander,
    found: /port 22 is closed/,
  },
];
