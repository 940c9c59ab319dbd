import type { Claim, Operation, Proof } from "./claims.ts";
import { highest } from "./merge.ts";
import { type Level, levels } from "./outcomes.ts";
import { type Group, groups, rows } from "./rows.ts";

/** docs/proof.md. Pure. */
export function render(proof: Proof): string {
  const parts = [
    head(proof),
    ...groups.map((group) => section(group, proof)),
    ...operations(proof.operations),
  ];
  return `${parts.join("\n\n")}\n`;
}

function head(proof: Proof): string {
  const reached = [...rows.keys()].map((code) => highest(proof, code)?.level);
  const counts = [...levels]
    .reverse()
    .map((level) => `${reached.filter((one) => one === level).length} ${level}`);
  const none = reached.filter((level) => level === undefined).length;
  return `# What is proven, and at which level

Written by \`npm test -- --record\` from what the tests showed; \`npm test\` fails when this page says more than they do. The
codes are those at the beginning of the tests' names: a letter and a number is something that must work, \`S\` and two digits
a failure or a misuse that must be survived, or refused before anything is touched. \`grep -rn S05 test\` finds the tests of one.

Of ${rows.size} rows the highest level is: ${counts.join(", ")}, not proven ${none}.

## Levels

A row counts as proven at a level when every test of that level which bears its code passed, and no test says anything about a
level above its own.

- **mocks**: functions, components, policies and the shell scripts of the nodes, against answers that the tests make up, on the
  machine where the tests run. SSH is real, to a server in the test's own process; Pulumi is its mocks. Nothing shows that k3s
  answers like that.
- **stand-in**: the whole program on machines of [the lab](lab.md), with Pulumi's engine, over SSH. systemd, network, disks, power
  cuts, etcd, API server, controllers and scheduler are real. k3s around them is [a stand-in](../lab/standin/CONTRACT.md) that
  runs no containers, kube-vip is its election and announcements only, and providers that cannot be had are
  [stand-ins](../lab/toolchain/CONTRACT.md) too.
- **real k3s**: the same tests with the k3s of that version, on that day (\`LAB_K3S=real npm test -- lab --record\`). \`npm test\`
  shows the other levels again, this one only when it is asked to. \`sum not pinned\`: the binary was not one whose sum
  \`config/releases.ts\` has, such as a build of one's own. The machines are containers of one host.`;
}

function section({ title, rows }: Group, proof: Proof): string {
  const what = Object.keys(rows)[0]!.startsWith("S") ? "survived or refused" : "what must work";
  const lines = Object.entries(rows).map(([code, says]) =>
    line([code, says, claimText(highest(proof, code)), tests(proof, code)]),
  );
  return [`## ${title}`, "", line(["code", what, "highest level", "tests"]), ruler(4), ...lines].join("\n");
}

function claimText(claim: Claim | undefined): string {
  if (claim === undefined) return "not proven";
  return claim.level === "real k3s" ? `real k3s ${k3sText(claim)}` : claim.level;
}

const at: Record<Level, string> = {
  mocks: "with mocks",
  "stand-in": "on the stand-in",
  "real k3s": "on real k3s",
};

function tests(proof: Proof, code: string): string {
  const own = proof.claims.filter((claim) => claim.code === code);
  return own.map(({ level, tests }) => `${tests} ${at[level]}`).join(", ");
}

/** What each operation cost; nothing while none was measured. */
function operations(measured: readonly Operation[]): string[] {
  if (measured.length === 0) return [];
  const heads = [
    "operation",
    "took",
    "longest without an answer",
    "requests refused",
    "writes lost",
    "on k3s",
  ];
  const lines = measured.map((one) => {
    const { operation, seconds, longestMs, refused, total, lost } = one;
    return line([
      operation,
      `${seconds.toFixed(1)} s`,
      longestMs === undefined ? "" : `${(longestMs / 1000).toFixed(1)} s`,
      refused === undefined ? "" : `${refused} of ${total}`,
      lost === undefined ? "" : String(lost),
      k3sText(one),
    ]);
  });
  const text =
    "Measured on real k3s through the endpoint, by clients that open a new connection for each request, and one that writes (`npm run bench:operations`).";
  return [["## Operations", "", text, "", line(heads), ruler(heads.length), ...lines].join("\n")];
}

const k3sText = ({
  version,
  unpinned,
  date,
}: {
  version: string;
  unpinned?: true | undefined;
  date: string;
}) => `${version}${unpinned ? " (sum not pinned)" : ""}, ${date}`;

const line = (cells: readonly string[]) =>
  `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
const ruler = (columns: number) => `|${" --- |".repeat(columns)}`;
