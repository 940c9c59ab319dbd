/**
 * What the codes at the beginning of test names stand for. A letter and a number is something that must work; `S` and two
 * digits is a failure or a misuse that must be survived, or refused before anything is touched. docs/proof.md says at which
 * level each was seen.
 */
export interface Group {
  readonly title: string;
  /** One sentence for each code. */
  readonly rows: Readonly<Record<string, string>>;
}

export const groups: readonly Group[] = [
  {
    title: "The program",
    rows: {
      C1: "One Pulumi program in TypeScript makes the cluster, its configuration checked by zod.",
      C2: "Nodes and snapshots are components; the first server's token and URL feed the later nodes.",
      C3: "`pulumi preview` and `pulumi up` work, one stack an environment; policies are tested with mocks.",
    },
  },
  {
    title: "A cluster at home",
    rows: {
      H1: "Three servers with embedded etcd keep API, scheduling and data while any one of them is down.",
      H2: "A server on SQLite becomes the first of three on etcd, nothing lost; or is replaced by consent.",
      H3: "A part-time agent may be off at any time: nothing fails and nothing waits for it.",
      H4: "Everything on a node is done by this repository's scripts, nothing by hand.",
      H5: "Disks and round trips are measured before any change; bad ones are told with the figure.",
    },
  },
  {
    title: "Embedded etcd",
    rows: {
      D1: "Servers share a token, agents have another; the registration address is in every certificate.",
      D2: "The number of servers is odd, the quorum is shown, and flags that must be equal on servers are.",
      D3: "etcd data on disk wins over flags; an external datastore beside embedded etcd is refused.",
    },
  },
  {
    title: "Servers behind an endpoint",
    rows: {
      P1: "HAProxy on one or two machines passes connections to servers that are healthy.",
      P2: "An earlier k3s on a node is recognised, and given up only by consent for that node.",
      P3: "New names come into the served certificate, one server at a time and after a snapshot.",
      P4: "The kubeconfig names the endpoint, and is merged into one's own file without harm to the rest.",
      P5: "Snapshots are saved, scheduled and pruned; tokens, certificates and keys are rotated.",
      P6: "Failovers are rehearsed and measured; pods of the lost node run elsewhere.",
    },
  },
  {
    title: "Operation",
    rows: {
      M1: "Nodes are looked at and measured before any is changed; a living cluster can be examined.",
      M2: "Agents become servers and back; labels, taints and reserved resources follow the stack.",
      M3: "etcd is watched, measured, defragmented and freed of its alarms.",
      M4: "Snapshots leave the nodes together with their token, and a restore from them is rehearsed.",
      M5: "Each step that changes something has a way back.",
      M6: "Certificates that will end, and limits that will be reached, are told before they hurt.",
    },
  },
  {
    title: "Life of a cluster",
    rows: {
      K1: "The endpoint is a choice in the stack.",
      K2: "Servers join one after another, agents in parallel up to a cap.",
      K3: "The endpoint's address is verified from outside the cluster; exactly one machine has it.",
      K4: "A step that fails leaves nothing half done, and one more run converges.",
      K5: "The loss of a server is survived; a loss of quorum is told, and mended from a snapshot.",
      K6: "An upgrade goes from node to node while the API stays reachable.",
      K7: "The address moves within seconds; HAProxy spreads requests over the servers.",
      K8: "The same program is rehearsed on disposable machines of one workstation.",
    },
  },
  {
    title: "Real k3s",
    rows: {
      R1: "All of this holds with current k3s, pods, kube-vip in its pods, and the real providers.",
      R2: "After any operation each server comes back from two restarts and a power cut.",
    },
  },
  {
    title: "What is there already, and what k3s takes",
    rows: {
      F1: "All that k3s takes can be said, for all nodes, a role or a node; only what is decided is refused.",
      F2: "Registries, proxies and image archives describe machines without a way to the internet.",
      F3: "The cluster's traffic follows a node's `address`; another CNI, IPv6 and dual stack work.",
      F4: "Any exact release is had without handwork, and a newer one is told of.",
      F5: "A cluster that a common installer made is adopted as it is, compared by effect.",
      F6: "What would end k3s at its start is found before anything is touched.",
      F7: "What a user laid on a machine outlives undo, promotion, restore and removal.",
      F8: "Packaged components are switched on a living cluster; hosts are patched and rebooted in turn.",
      F9: "Services of type LoadBalancer get addresses of a pool.",
    },
  },
  {
    title: "Configuration that is refused",
    rows: {
      S01: "An even number of servers, or none.",
      S02: "Two nodes with one name, address, machine-id or product UUID.",
      S03: "Ranges that overlap or are too small; an endpoint's address that is taken or out of place.",
      S04: "A flag that all servers share, changed on a living cluster.",
      S05: "A version that is not exact, skips a minor, or goes back.",
      S06: "A misspelt key, a value of the wrong type, a secret in plain text: all at once, none shown.",
    },
  },
  {
    title: "Connections",
    rows: {
      S07: "A host key that differs from the pinned one, the bastion's too.",
      S08: "Host down, port filtered, wrong user, wrong key, a sudo that asks: five different errors.",
      S09: "A connection that is lost in the middle of a step.",
      S10: "Two runs at once.",
    },
  },
  {
    title: "Machines that are not fit",
    rows: {
      S11: "Too little CPU or memory.",
      S12: "A slow disk.",
      S13: "A port that is taken, or blocked between two nodes; UDP too.",
      S14: "A clock that is off, a round trip over the limit.",
      S15: "Leftovers of an old, another or an unknown cluster.",
    },
  },
  {
    title: "Bring-up",
    rows: {
      S16: "A run that is killed before or after any step: one more converges.",
      S17: "The first server re-imaged while the others live: it joins, and founds nothing.",
      S18: "A server that joined by half and stays a learner.",
      S19: "`up` twice: the second changes nothing.",
      S20: "`preview` touches no node.",
      S21: "Servers never join two at once.",
      S22: "An endpoint's address that moves while nodes join.",
    },
  },
  {
    title: "Quorum",
    rows: {
      S23: "One of three lost: reads and writes go on, disruptive changes are refused.",
      S24: "Two of three lost: nothing is reset by itself, both ways out are shown.",
      S25: "A dead server is replaced: its member goes before the new one comes.",
      S26: "The endpoint's address on two machines.",
    },
  },
  {
    title: "Snapshot and restore",
    rows: {
      S27: "A restore with a token that is missing or was rotated.",
      S28: "A snapshot that is truncated, empty, of another cluster or of a newer k3s.",
      S29: "A restore that is interrupted between two steps.",
      S30: "S3 that is down, refuses the keys or cuts an upload; backups that grow old.",
    },
  },
  {
    title: "Upgrade and change",
    rows: {
      S31: "The upgrade of a second server fails: it is put back there, and the next run goes on.",
      S32: "A drain that a budget or a hung pod blocks.",
      S33: "Requests through the endpoint while an upgrade goes from server to server.",
    },
  },
  {
    title: "Nodes that go and come",
    rows: {
      S34: "A removal that would break the quorum; a removed server that wants to come back.",
      S35: "A node that comes back reinstalled under its old name.",
      S36: "A rotation while a server is down; an old token afterwards.",
    },
  },
  {
    title: "Secrets and input",
    rows: {
      S37: "Secrets in states, outputs, process lists, journals or files that others may read.",
      S38: "Names, paths and answers that a shell would run.",
      S39: "A part-time node that vanishes in the middle of a step, or is off for a month.",
      S40: "A k3s binary that was tampered with or truncated, a mirror that lies.",
    },
  },
  {
    title: "Seen with real k3s",
    rows: {
      S41: "Every server restarted twice and powered off once, after whatever was done.",
      S42: "A service that becomes active and ends again: told early, with the first words of the first end.",
      S43: "A restore where tokens were rotated before or after the snapshot, by every way.",
      S44: "A power cut in the first seconds of a server's first start.",
      S45: "Files that a user laid below k3s' directories before the first `up`.",
      S46: "A release that the host cannot run.",
      S47: "A k3s under another unit name, with drop-ins, or with its data behind a symbolic link.",
      S48: "An endpoint that is changed into any other: no more than 1 s without an answer.",
      S49: "A CNI that comes later, a second network card, a proxy or a registry that wants a login.",
    },
  },
];

/** What each code stands for, in the order of the groups. */
export const rows: ReadonlyMap<string, string> = new Map(groups.flatMap(({ rows }) => Object.entries(rows)));
