import { parse } from "yaml";
import { printable, show } from "../../../config/problems.ts";
import { checksumsFor } from "../../../config/releases.ts";
import { agentFlags, serverFlags } from "../../../config/render.ts";
import type { NodeConfig } from "../../../config/schema.ts";
import { compareVersions, parseVersion } from "../../../config/version.ts";
import { apiNodes, listed, runs, type Seen, seen, seenNodes } from "../cluster.ts";
import type { ClusterFacts } from "../facts.ts";
import type { Finding } from "../finding.ts";

const isServer = ({ machine }: Pick<Seen, "machine">) => machine.role === "server";

/** What a machine means to the cluster decides how bad its absence is. */
const absence = (patient: Pick<Seen, "machine">) => (isServer(patient) ? "critical" : "warning");

export function reachable({ patients }: ClusterFacts): Finding[] {
  return patients
    .filter(({ facts }) => !facts)
    .map((patient) => {
      const lines = (patient.problem ?? "no answer").split("\n").map((line) => line.trim());
      const next = lines.find((line) => line.startsWith("next:"))?.slice(5);
      return {
        severity: absence(patient),
        check: "reachable",
        node: patient.machine.name,
        found: printable(lines[0]!),
        wanted: "a machine that answers over SSH as the stack says",
        remedy: next?.trim() ?? "Run it again; if it stays, look at the machine.",
      };
    });
}

export function service(cluster: ClusterFacts): Finding[] {
  return seenNodes(cluster).flatMap((patient): Finding[] => {
    const { machine, facts } = patient;
    const { unit, role, state, enabled } = facts.service;
    const base = { check: "service", node: machine.name } as const;
    if (role !== machine.role) {
      const found = role === "none" ? "no k3s" : `a k3s ${role}`;
      return [
        {
          ...base,
          severity: absence(patient),
          found,
          wanted: `a k3s ${machine.role}`,
          remedy: "Run `pulumi up --refresh`; if the machine was reinstalled, see docs/nodes.md.",
        },
      ];
    }
    if (!runs(patient)) {
      return [
        {
          ...base,
          severity: absence(patient),
          found: `${unit} is ${printable(state)}`,
          wanted: "active (running)",
          remedy: `On the node: \`journalctl -u ${unit}\` says why; \`systemctl start ${unit}\`.`,
        },
      ];
    }
    if (enabled === "enabled") return [];
    return [
      {
        ...base,
        severity: "warning",
        found: `${unit} is ${printable(enabled)}: it does not come back after a reboot`,
        wanted: "enabled",
        remedy: `On the node: \`systemctl enable ${unit}\`.`,
      },
    ];
  });
}

export function version(cluster: ClusterFacts): Finding[] {
  const wanted = cluster.config.version;
  const running = new Map((apiNodes(cluster) ?? []).map((node) => [node.name, node.version]));
  const base = { severity: "warning", check: "version", wanted } as const;
  return seenNodes(cluster).flatMap(({ machine, facts }): Finding[] => {
    const { name } = machine;
    const installed = facts.binary?.version ?? null;
    if (installed === null) return [];
    if (installed !== wanted) {
      const found = `k3s ${printable(installed)} is installed`;
      const [old, wish] = [parseVersion(installed), parseVersion(wanted)];
      const newer = old && wish && compareVersions(old, wish) > 0;
      const remedy = newer
        ? `It was installed by somebody else. Set version to ${installed}, or restore a snapshot: k3s does not go back.`
        : "Run `pulumi up`.";
      return [{ ...base, node: name, found, remedy }];
    }
    const runs = running.get(name);
    if (runs === undefined || runs === wanted) return [];
    const found = `k3s ${printable(runs)} runs, although ${wanted} is installed`;
    return [{ ...base, node: name, found, remedy: "Restart k3s there, one server after another." }];
  });
}

export function binary(cluster: ClusterFacts): Finding[] {
  const { config } = cluster;
  const sums = checksumsFor(config.version, config.checksums);
  return seenNodes(cluster).flatMap(({ machine, facts }): Finding[] => {
    const { version: installed, sha256, arch } = facts.binary ?? {};
    const wanted = arch && sums[arch];
    if (!wanted || !sha256 || sha256 === wanted || installed !== config.version) return [];
    return [
      {
        severity: "critical",
        check: "binary",
        node: machine.name,
        found: `/usr/local/bin/k3s calls itself ${config.version} and has sha256 ${sha256.slice(0, 12)}...`,
        wanted: `sha256 ${wanted.slice(0, 12)}...`,
        remedy:
          "Somebody altered it: find out who. Remove the file and run `pulumi up --refresh`, which brings the release back.",
      },
    ];
  });
}

export function unit(cluster: ClusterFacts): Finding[] {
  return seenNodes(cluster).flatMap(({ machine, facts }): Finding[] => {
    const { unit: name, role, matches, dropIns } = facts.service;
    if (role !== machine.role) return [];
    const base = { check: "unit", node: machine.name } as const;
    const changed: Finding = {
      ...base,
      severity: "warning",
      found: `/etc/systemd/system/${name} differs from the one that the program writes`,
      wanted: "no change by hand: the next change of the stack undoes it",
      remedy: `Move what you need to /etc/systemd/system/${name}.d/, and run \`pulumi up --refresh\`.`,
    };
    const extended: Finding = {
      ...base,
      severity: "notice",
      found: `${name} is extended by ${listed(dropIns.map((path) => printable(path)))}`,
      wanted: "to be known",
      remedy: "Nothing, if you put it there.",
    };
    return [...(matches ? [] : [changed]), ...(dropIns.length > 0 ? [extended] : [])];
  });
}

/** Keys whose values are secrets; the node does not send them. */
const secretFlags = ["agent-token", "etcd-s3-access-key", "etcd-s3-secret-key"];

function parsed(text: string | null): Record<string, unknown> | undefined {
  try {
    // there and back again: a mapping that holds itself is none of ours
    const value: unknown = JSON.parse(JSON.stringify(parse(text ?? "")));
    return value !== null && typeof value === "object" ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

export function config(cluster: ClusterFacts): Finding[] {
  const nodes = new Map(
    [...cluster.config.servers, ...cluster.config.agents].map((node) => [node.name, node]),
  );
  const base = { severity: "warning", check: "config" } as const;
  return seenNodes(cluster).flatMap(({ machine, facts }): Finding[] => {
    if (facts.service.role !== machine.role) return [];
    const wanted = flagsOf(cluster, nodes.get(machine.name)!);
    const there = parsed(facts.files.config);
    const differing = there === undefined ? ["the file as a whole"] : differences(there, wanted);
    const changed: Finding = {
      ...base,
      node: machine.name,
      found: `/etc/rancher/k3s/config.yaml differs in ${listed(differing)}`,
      wanted: "what the stack says",
      remedy:
        "Run `pulumi up`; if nothing of the stack was changed since the last one, `pulumi up --refresh`. Changes by hand belong into the stack.",
    };
    const others: Finding = {
      ...base,
      node: machine.name,
      found: `${listed(facts.files.others.map((path) => printable(path)))}, which may override the stack's settings`,
      wanted: "settings in the stack only",
      remedy: "Write them into the stack, and remove the file.",
    };
    return [...(differing.length > 0 ? [changed] : []), ...(facts.files.others.length > 0 ? [others] : [])];
  });
}

const flagsOf = (cluster: ClusterFacts, node: NodeConfig): Record<string, unknown> =>
  node.role === "server" ? serverFlags(cluster.config, node) : agentFlags(node);

/** The keys in which two settings differ, with both values; secrets are compared elsewhere. */
function differences(there: Record<string, unknown>, wanted: Record<string, unknown>): string[] {
  const keys = [...new Set([...Object.keys(there), ...Object.keys(wanted)])].sort();
  return keys
    .filter((key) => !secretFlags.includes(key))
    .filter((key) => JSON.stringify(there[key]) !== JSON.stringify(wanted[key]))
    .map((key) => `${printable(key)} (${brief(there[key])} instead of ${brief(wanted[key])})`);
}

const brief = (value: unknown): string => show(Array.isArray(value) ? value.join(",") : value);

export function permissions(cluster: ClusterFacts): Finding[] {
  return seenNodes(cluster)
    .filter(({ facts }) => facts.files.loose.length > 0)
    .map(({ machine, facts }) => ({
      severity: "warning",
      check: "permissions",
      node: machine.name,
      found: `secrets that others than root may read: ${listed(facts.files.loose.map((line) => printable(line)))}`,
      wanted: "mode 0600, owner root",
      remedy:
        "On the node: `chmod 600` and `chown root`; if others had a login there, rotate: docs/rotation.md.",
    }));
}

export function unfinished(cluster: ClusterFacts): Finding[] {
  return seen(cluster).flatMap(({ machine, facts }): Finding[] => {
    const base = { check: "unfinished", node: machine.name } as const;
    if (facts.records.running) {
      return [
        {
          ...base,
          severity: "notice",
          found: "a run is working on this node at this moment",
          wanted: "nothing",
          remedy: "Look again when it has ended.",
        },
      ];
    }
    return facts.records.unfinished.map((line) => ({
      ...base,
      severity: line.startsWith("the restore ") ? "critical" : "warning",
      found: `begun and not ended: ${printable(line)}`,
      wanted: "steps that ended",
      remedy: "Run `pulumi up`: it goes on from what is there.",
    }));
  });
}
