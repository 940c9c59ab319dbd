import assert from "node:assert/strict";
import { test } from "node:test";
import { diagnose } from "../../ops/doctor/diagnose.ts";
import { readCheckup } from "../../ops/doctor/facts.ts";
import { checks } from "../../ops/doctor/finding.ts";
import { gauge, histogramsOf, quantile } from "../../ops/doctor/metrics.ts";
import { asJson, report } from "../../ops/doctor/show.ts";
import { cluster, type Said } from "./patients.ts";

type Nodes = Record<string, Said>;

test("M1 a healthy cluster has no finding, and the report says what it is", () => {
  const facts = cluster();
  assert.deepEqual(diagnose(facts), []);
  assert.equal(
    report([], facts),
    "Nothing is wrong. 4 of 4 machines answered; 3 voters, server-2 leads; 192.0.2.10 is on server-2",
  );
});

const slow = (name: string, labels = "") => [
  `${name}_bucket{${labels}le="0.016"} 900`,
  `${name}_bucket{${labels}le="0.256"} 1000`,
  `${name}_bucket{${labels}le="+Inf"} 1000`,
];

/** What is spoiled, and the one finding that it must give: severity, check, node, what was found. */
const planted: readonly [
  name: string,
  spoil: (nodes: Nodes) => void,
  expected: readonly [string, string, string, RegExp],
  more?: object,
][] = [
  [
    "a server that is off",
    (n) => delete n["server-3"],
    ["critical", "reachable", "server-3", /host is down/],
  ],
  ["an agent that is off", (n) => delete n["agent-1"], ["warning", "reachable", "agent-1", /host is down/]],
  [
    "k3s that is stopped",
    (n) => {
      n["agent-1"].service.state = "inactive (dead)";
      n["server-1"].api[3] = "agent-1|Unknown|v1.34.2+k3s1|no|300|";
    },
    ["warning", "service", "agent-1", /^k3s-agent\.service is inactive \(dead\)$/],
  ],
  [
    "k3s that does not come back after a reboot",
    (n) => (n["server-1"].service.enabled = "disabled"),
    ["warning", "service", "server-1", /does not come back after a reboot/],
  ],
  [
    "passwords that are newer than etcd's copy",
    (n) => (n["server-2"].restart.newer = ["/var/lib/rancher/k3s/server/cred/passwd"]),
    [
      "critical",
      "restart",
      "server-2",
      /would end at its next start: .*cred\/passwd is newer than etcd's copy/,
    ],
  ],
  [
    "another version",
    (n) => {
      n["server-2"].binary.version = "v1.34.1+k3s1";
      n["server-1"].api[1] = "server-2|True|v1.34.1+k3s1|no|4|start-abc";
    },
    ["warning", "version", "server-2", /v1\.34\.1\+k3s1 is installed/],
  ],
  [
    "a version that is installed and does not run yet",
    (n) => (n["server-1"].api[1] = "server-2|True|v1.34.1+k3s1|no|4|start-abc"),
    ["warning", "version", "server-2", /v1\.34\.1\+k3s1 runs, although v1\.34\.2\+k3s1 is installed/],
  ],
  [
    "an altered binary",
    (n) => (n["server-2"].binary.sha256 = "cd".repeat(32)),
    ["critical", "binary", "server-2", /sha256 cdcdcdcdcdcd/],
  ],
  [
    "an altered unit",
    (n) => (n["agent-1"].service.matches = false),
    ["warning", "unit", "agent-1", /k3s-agent\.service differs/],
  ],
  [
    "a unit that is extended",
    (n) => (n["agent-1"].service.dropIns = ["/etc/systemd/system/k3s-agent.service.d/proxy.conf"]),
    ["notice", "unit", "agent-1", /proxy\.conf/],
  ],
  [
    "settings changed by hand",
    (n) => {
      const config = JSON.parse(n["server-3"].files.config);
      n["server-3"].files.config = JSON.stringify({ ...config, "cluster-domain": "x.y", "agent-token": "s" });
    },
    ["warning", "config", "server-3", /differs in cluster-domain \("x\.y" instead of "cluster\.local"\)/],
  ],
  [
    "settings that are no YAML",
    (n) => (n["server-3"].files.config = "a: [b"),
    ["warning", "config", "server-3", /differs in the file as a whole/],
  ],
  [
    "a second file of settings",
    (n) => (n["server-3"].files.others = ["/etc/rancher/k3s/config.yaml.d/99.yaml"]),
    ["warning", "config", "server-3", /99\.yaml, which may override/],
  ],
  [
    "a token that others may read",
    (n) => (n["server-1"].files.loose = ["/var/lib/rancher/k3s/server/token 644 0"]),
    ["warning", "permissions", "server-1", /server\/token 644 0/],
  ],
  [
    "another token",
    (n) => (n["server-2"].files.digests.join = "9".repeat(16)),
    ["warning", "token", "server-2", /^the token in config\.yaml\.d\/10-join\.yaml differs/],
  ],
  [
    "another agent token",
    (n) => (n["agent-1"].files.digests.join = "9".repeat(16)),
    ["warning", "token", "agent-1", /^the token in config/],
  ],
  [
    "another cluster's CA",
    (n) => (n["agent-1"].files.clusterCa = "9".repeat(16)),
    ["critical", "token", "agent-1", /belongs to another cluster/],
  ],
  [
    "a step that was interrupted",
    (n) => (n["server-2"].records.unfinished = ["the step server, begun at x, last: begin fetch"]),
    ["warning", "unfinished", "server-2", /the step server/],
  ],
  [
    "a restore that is half done",
    (n) => (n["server-2"].records.unfinished = ["the restore r1, last: halted"]),
    ["critical", "unfinished", "server-2", /the restore r1/],
  ],
  [
    "a disk that fills",
    (n) => (n["server-2"].machine.disks[0].usedPercent = 92),
    ["warning", "disk", "server-2", /^\/ is used to 92 % \(48 GiB free\)$/],
  ],
  [
    "a disk without inodes",
    (n) => (n["server-2"].machine.disks[0].usedInodesPercent = 99),
    ["critical", "disk", "server-2", /99 % of its inodes/],
  ],
  [
    "S14 a clock that is ahead",
    (n) => (n["agent-1"].offsetMs = 5003),
    ["critical", "clock", "agent-1", /^its clock is 5\.0 s ahead$/],
  ],
  [
    "a certificate that ends",
    (n) => (n["server-2"].files.expires = "2031-05-20T12:00:00Z"),
    ["warning", "certificates", "server-2", /ends in 19 days/],
  ],
  [
    "a certificate that ended",
    (n) => (n["server-2"].files.expires = "2031-04-20T12:00:00Z"),
    ["critical", "certificates", "server-2", /a certificate ended/],
  ],
  [
    "an old snapshot",
    (n) => (n["server-2"].snapshots.newest.createdAt = "2031-04-20T12:00:00Z"),
    ["warning", "snapshot", "server-2", /is 11 days old .*one is due every 12 h/],
  ],
  [
    "no snapshot",
    (n) => (n["server-2"].snapshots.newest = null),
    ["warning", "snapshot", "server-2", /there is no snapshot/],
  ],
  [
    "S28 a snapshot that was cut short",
    (n) => (n["server-2"].snapshots.problem = "it was cut short"),
    ["warning", "snapshot", "server-2", /cut short/],
  ],
  [
    "S30 a store that does not answer",
    (n) => (n["server-1"].away = { newest: null, problem: "S3 (bucket b at x) cannot be asked: no route" }),
    ["warning", "snapshot-away", "cluster", /bucket b/],
  ],
  [
    "S30 snapshots that do not leave",
    (n) => (n["server-1"].away = { newest: null, problem: null }),
    ["warning", "snapshot-away", "cluster", /in S3: there is no snapshot/],
  ],
  [
    "S18 a learner",
    (n) => {
      for (const name of ["server-1", "server-2", "server-3"])
        n[name].etcd.members[2] = n[name].etcd.members[2].replace(" 0 ", " 1 ");
    },
    ["warning", "members", "server-3", /learner/],
  ],
  [
    "a member that never started",
    (n) => n["server-1"].etcd.members.push("b1 - 1 192.0.2.99"),
    ["warning", "members", "cluster", /member b1 at 192\.0\.2\.99 never started/],
  ],
  [
    "S34 a member that is no server of the stack",
    (n) => n["server-1"].etcd.members.push("b1 server-9-01234567 0 192.0.2.99"),
    [
      "warning",
      "members",
      "cluster",
      /server-9-01234567 at 192\.0\.2\.99 is no server of the stack, and votes/,
    ],
  ],
  [
    "a server that is no member",
    (n) => {
      for (const name of ["server-1", "server-2"]) n[name].etcd.members.pop();
      n["server-3"].etcd.members = n["server-1"].etcd.members;
    },
    ["critical", "members", "server-3", /no member of etcd/],
  ],
  [
    "two of three servers gone",
    (n) => {
      delete n["server-2"];
      delete n["server-3"];
      n["server-1"].etcd = { ...n["server-1"].etcd, problem: "no leader", leader: null };
      n["server-1"].api = null;
    },
    ["critical", "quorum", "cluster", /1 of 3 voters run \(server-1\)/],
  ],
  [
    "etcd that follows nobody",
    (n) => (n["server-3"].etcd.leader = null),
    ["critical", "leader", "server-3", /no leader/],
  ],
  [
    "an alarm",
    (n) => {
      n["server-3"].etcd.alarms = ["a2 NOSPACE"];
      // what follows from it
      n["server-2"].machine.vip = false;
      n["server-1"].api[3] = "agent-1|True|v1.34.2+k3s1|no|77|";
    },
    ["critical", "alarm", "server-3", /NOSPACE/],
  ],
  [
    "a database near its quota",
    (n) => {
      const { metrics } = n["server-3"].etcd;
      metrics[metrics.length - 3] = "etcd_mvcc_db_total_size_in_bytes 1.9e+09";
      metrics[metrics.length - 2] = "etcd_mvcc_db_total_size_in_use_in_bytes 1.8e+09";
    },
    ["warning", "database", "server-3", /1812 MiB of 2048/],
  ],
  [
    "a fragmented database",
    (n) => {
      const { metrics } = n["server-3"].etcd;
      metrics[metrics.length - 3] = "etcd_mvcc_db_total_size_in_bytes 1.9e+08";
    },
    ["warning", "fragmentation", "server-3", /181 MiB, of which 4 are in use/],
  ],
  [
    "S12 a slow disk",
    (n) => n["server-3"].etcd.metrics.splice(0, 3, ...slow("etcd_disk_wal_fsync_duration_seconds")),
    ["warning", "disk-latency", "server-3", /longer than 232 ms/],
  ],
  [
    "a slow peer",
    (n) =>
      n["server-3"].etcd.metrics.splice(
        3,
        3,
        ...slow("etcd_network_peer_round_trip_time_seconds", 'To="a0",'),
      ),
    ["warning", "peer-latency", "server-3", /to server-1 takes longer than 232 ms/],
  ],
  [
    "S13 a port that is blocked",
    (n) => {
      n["server-1"].reach.push("server-2 2380 silent 0");
      n["server-3"].reach.push("server-2 2380 silent 0");
    },
    ["critical", "ports", "server-2", /^TCP 2380 does not answer server-1 and server-3$/],
  ],
  [
    "S14 a long way between servers",
    (n) => {
      n["server-1"].reach = ["server-2 6443 open 25000"];
      n["server-2"].reach = ["server-1 6443 open 21000"];
    },
    ["warning", "round-trip", "cluster", /^21\.0 ms between server-1 and server-2$/],
  ],
  [
    "S26 two holders of the address",
    (n) => (n["agent-1"].machine.vip = true),
    ["critical", "endpoint", "cluster", /192\.0\.2\.10 is on server-2 and agent-1 at the same time/],
  ],
  [
    "nobody holds the address",
    (n) => (n["server-2"].machine.vip = false),
    ["critical", "endpoint", "cluster", /nobody holds 192\.0\.2\.10/],
  ],
  [
    "a service of the endpoint that is stopped",
    (n) => (n["server-3"].machine.services = { keepalived: "inactive" }),
    ["warning", "endpoint", "server-3", /keepalived is inactive/],
  ],
  [
    "a Node that nobody declared",
    (n) => n["server-1"].api.push("stray|Unknown|v1.20.0+k3s1|no|900|"),
    ["warning", "nodes", "cluster", /the Node stray is not in the stack/],
  ],
  [
    "a Node that is missing",
    (n) => n["server-1"].api.pop(),
    ["warning", "nodes", "agent-1", /no Node of this name/],
  ],
  [
    "a Node that is not Ready",
    (n) => (n["server-1"].api[3] = "agent-1|False|v1.34.2+k3s1|no|4|"),
    ["warning", "nodes", "agent-1", /not Ready/],
  ],
  [
    "a stale lease",
    (n) => (n["server-1"].api[3] = "agent-1|True|v1.34.2+k3s1|no|77|"),
    ["warning", "nodes", "agent-1", /last heard of 77 s ago/],
  ],
  [
    "a Node that a step cordoned and did not release",
    (n) => (n["server-1"].api[2] = "server-3|True|v1.34.2+k3s1|ours|4|start-abc"),
    ["warning", "nodes", "server-3", /cordoned by a step of this program, which has ended/],
  ],
  [
    "a cordoned Node",
    (n) => (n["server-1"].api[3] = "agent-1|True|v1.34.2+k3s1|yes|4|"),
    ["notice", "nodes", "agent-1", /cordoned/],
  ],
  [
    "an API that does not answer",
    (n) => (n["server-1"].api = null),
    ["critical", "nodes", "cluster", /no API server answers/],
  ],
  [
    "keys of encryption that differ",
    (n) => (n["server-1"].api[1] = "server-2|True|v1.34.2+k3s1|no|4|start-xyz"),
    ["warning", "encryption", "cluster", /different keys/],
  ],
];

/** What follows from two servers that are off, and is said as well. */
const alsoOff = new Set(["reachable"]);

for (const [name, spoil, [severity, check, node, found], more] of planted) {
  test(`M1 found and named, and nothing else: ${name}`, () => {
    const findings = diagnose(cluster(spoil as (nodes: Nodes) => void, more));
    const own = check === "quorum" ? findings.filter((one) => !alsoOff.has(one.check)) : findings;
    assert.deepEqual(
      own.map((one) => [one.severity, one.check, one.node]),
      [[severity, check, node]],
      JSON.stringify(findings, null, 1),
    );
    assert.match(own[0]!.found, found);
    assert.ok(own[0]!.wanted && own[0]!.remedy);
  });
}

test("every check has at least one test here", () => {
  const tested = new Set(planted.map(([, , [, check]]) => check));
  assert.deepEqual(
    checks.filter((check) => !tested.has(check)),
    [],
  );
});

test("S12 a disk too slow for etcd's timings: the profile that it can keep is named", () => {
  const [finding] = diagnose(
    cluster((n) => n["server-3"].etcd.metrics.splice(0, 3, ...slow("etcd_disk_wal_fsync_duration_seconds"))),
  );
  assert.match(finding!.remedy, /Until then: Set etcd\.timing to slow-disk/);
});

/** Real k3s without a majority: it restarts for ever, and its etcd answers nobody. */
const restarting = (said: Said) => {
  Object.assign(said.service, { state: "activating (auto-restart)", restarts: 41 });
  Object.assign(said.etcd, { problem: "refused", members: [], id: null, leader: null, metrics: [] });
  said.etcd.onDisk = ["192.0.2.11", "192.0.2.12", "192.0.2.13", "192.0.2.99"];
};

test("K5 S24 the last of three servers restarts for ever: the majority is lost, and both ways out are named", () => {
  const facts = cluster((n) => {
    delete n["server-2"];
    delete n["server-3"];
    n["server-1"].api = null;
    restarting(n["server-1"]);
  });
  const finding = diagnose(facts).find(({ check }) => check === "quorum");
  assert.equal(finding?.severity, "critical");
  assert.equal(
    finding.found,
    "0 of 3 voters run (none); server-1 answers, but its k3s is activating (auto-restart) and was restarted 41 times; nothing is heard of server-2 and server-3",
  );
  assert.match(finding.remedy, /^Bring 1 of server-2, server-3 back, with its disk/);
  assert.match(
    finding.remedy,
    /gone for good, say so \(lost: true\) and restore a snapshot, .* is 5 h old, on server-1, .*\(restore: \{ id: a-new-word, snapshot: \/x \}\)/,
  );
  assert.match(report(diagnose(facts), facts), /no etcd says who votes/);
});

test("S24 the newest snapshot is one of ours, or there is none on the machines that answer", () => {
  const remedy = (snapshots: object) =>
    diagnose(
      cluster((n) => {
        delete n["server-1"];
        delete n["server-3"];
        restarting(n["server-2"]);
        Object.assign(n["server-2"].snapshots, snapshots);
      }),
    ).find(({ check }) => check === "quorum")?.remedy ?? "";
  assert.match(remedy({ newest: null }), /2 days old, on server-2, .*snapshot: nightly \}/);
  assert.match(remedy({ newest: null, kept: null }), /none is on the servers that answer, so one from S3/);
});

test("S24 three machines that answer and run no k3s are started, not restored; who has left is not counted", () => {
  const found = (spoil: (nodes: Nodes) => void) =>
    diagnose(cluster(spoil)).find(({ check }) => check === "quorum");
  const stopped = found((n) => ["server-1", "server-2", "server-3"].map((name) => restarting(n[name])));
  assert.match(
    stopped!.remedy,
    /^Start k3s on server-1, server-2 and server-3; .* If their data are broken, restore/,
  );
  const alone = found((n) => {
    for (const name of ["server-2", "server-3"]) delete n[name];
    restarting(n["server-1"]);
    n["server-1"].etcd.onDisk = ["192.0.2.11", "192.0.2.99"];
  });
  assert.match(alone!.found, /^0 of 1 voters run/);
});

test("the endpoint that does not answer from here is critical", () => {
  const facts = { ...cluster(), endpoint: { answers: false, problem: "192.0.2.10:6443 is silent" } };
  const [finding] = diagnose(facts);
  assert.equal(finding?.check, "endpoint");
  assert.match(finding!.found, /seen from here: 192\.0\.2\.10:6443 is silent/);
});

test("the wrong clock is told from the right ones, and an uncertain one is not blamed", () => {
  const found = diagnose(cluster((n) => (n["server-1"].offsetMs = -60_000)));
  assert.deepEqual(
    found.map(({ node, found }) => `${node} ${found}`),
    ["server-1 its clock is 60.0 s behind"],
  );
  // all alike, and this machine's own is the one that is wrong
  const alike = cluster((nodes) => {
    for (const node of Object.values(nodes)) node.offsetMs = 90_000;
  });
  assert.deepEqual(diagnose(alike), []);
  assert.deepEqual(diagnose(cluster((n) => (n["server-1"].offsetMs = 1005))), []);
});

test("S38 hostile text of a node is refused or shown without what a terminal would obey", () => {
  const hostile = "\u001b[2Jrm -rf /";
  const facts = cluster((n) => {
    n["agent-1"].service.state = `failed ${hostile}\n`;
    n["server-1"].files.others = ["x".repeat(300)];
    n["server-2"].files.config = `${hostile}: &a [*a]\nb: ${"y".repeat(2000)}`;
  });
  const text = report(diagnose(facts), facts);
  assert.ok(!text.includes("\u001b"), JSON.stringify(text));
  assert.match(text, /failed \\u001b\[2Jrm -rf \/\\u000a/);
  assert.ok(text.split("\n").every((line) => line.length < 1500));
  assert.ok(JSON.parse(asJson(diagnose(facts), facts)).findings.length > 2);
});

test("S38 an answer that is none names its fields and not their values", () => {
  assert.throws(() => readCheckup("n1", "no json \u001b"), /^Error: n1: .*not JSON$/);
  assert.throws(() => readCheckup("n1", "{}"), /n1: it answered with unexpected node, machine/);
  const other = { ...JSON.parse(JSON.stringify(cluster().patients[0]!.facts)) };
  assert.throws(() => readCheckup("n1", JSON.stringify({ ...other, node: "n2" })), /unexpected|another node/);
  assert.throws(
    () => cluster((n) => (n["server-1"].api = ["$(reboot)|True|v|no|4|"])),
    (error: Error) => /unexpected api\.0/.test(error.message) && !error.message.includes("reboot"),
  );
});

test("quantiles are counted as Prometheus counts them", () => {
  const lines = [
    'x_bucket{le="0.002"} 50',
    'x_bucket{le="0.001"} 0',
    'x_bucket{le="+Inf"} 100',
    'x_bucket{le="0.004"} 100',
    'x_bucket{le="oops"} 7',
    "y 3.5e+02",
    "nonsense",
  ];
  const histogram = histogramsOf(lines, "x").get("");
  assert.equal(quantile(histogram, 0.5, 1), 0.002);
  assert.equal(quantile(histogram, 0.75, 1), 0.003);
  assert.equal(quantile(histogram, 0.99, 101), undefined);
  assert.equal(gauge(lines, "y"), 350);
  assert.equal(gauge(lines, "z"), undefined);
});
