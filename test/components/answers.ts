import type { MockResourceArgs } from "@pulumi/pulumi/runtime/mocks.js";
import { checkNodes } from "../../components/check-nodes.ts";
import { lookInput } from "../../components/look.ts";
import { problemLine } from "../../config/problems.ts";
import { lineOf } from "./engine.ts";

/** Marks every secret of the mock cluster, so that tests can search for it. */
export const canary = "CanaryOfASecret";
export const caHash = "ab".repeat(32);
export const secureToken = `K10${caHash}::server:${canary}Server`;

/** When every mock server's first certificate ends. */
export const expires = "2099-01-01T00:00:00Z";

const flagOf = (command: string, name: string) => new RegExp(`--${name} (\\S+)`).exec(command)?.[1] ?? "";

const kubeconfig = (server: string) => `apiVersion: v1
kind: Config
clusters:
  - name: default
    cluster: { server: "${server}", certificate-authority-data: Q0E= }
users:
  - name: default
    user: { client-key-data: ${canary}Key }
`;

const machineIdOf = (node: string) => Buffer.from(node.padEnd(16, "x").slice(-16)).toString("hex");

/** What a step on a node would print. */
const answers: Readonly<Record<string, (command: string) => string>> = {
  server: (command) =>
    JSON.stringify({ node: flagOf(command, "name"), token: secureToken, voter: true, expires, seconds: 3 }),
  identity: (command) => {
    const url = `https://${flagOf(command, "address")}:6443`;
    return JSON.stringify({ node: flagOf(command, "name"), url, token: secureToken });
  },
  agent: () => "{}",
  admit: () => "{}",
  forget: () => "{}",
  label: () => "{}",
  fetch: (command) => {
    const node = flagOf(command, "name");
    return JSON.stringify({ node, machineId: machineIdOf(node) });
  },
  "restore-check": () => "{}",
  halt: () => "{}",
  restore: () => "{}",
  endpoint: () => "{}",
  handover: () => "{}",
  verify: (command) => {
    const voters = flagOf(command, "server").split(",");
    const nodes = voters.map((name) => ({ name, ready: true, version: "v1.34.2+k3s1", roles: [] }));
    return JSON.stringify({
      voters,
      quorum: Math.floor(voters.length / 2) + 1,
      leader: voters[0],
      nodes,
      seconds: 1,
    });
  },
  kubeconfig: (command) => kubeconfig(flagOf(command, "server")),
  "snapshot-save": (command) => JSON.stringify({ name: flagOf(command, "name") }),
  backups: (command) =>
    JSON.stringify({
      node: flagOf(command, "name"),
      at: "2026-03-01T12:00:00Z",
      since: "2026-01-01T12:00:00Z",
      here: {
        name: "etcd-snapshot-server-1-1772362800",
        place: "file:///var/lib/rancher/k3s/server/db/snapshots/etcd-snapshot-server-1-1772362800",
        bytes: 9,
        createdAt: "2026-03-01T11:00:00Z",
      },
      away: null,
      problem: command.includes(" --s3")
        ? "S3 (bucket b at s3.example.org) cannot be asked: Access Denied."
        : null,
    }),
};

/**
 * What is said of machines that nobody looked at; what follows from it is the real judgement.
 * @param installed the version that servers run already
 */
function preflightAnswer(stdin: string, installed: string | null): string {
  const { machines, ...wanted } = lookInput.parse(JSON.parse(stdin));
  const facts = machines.map(({ name: node, role }) => {
    const version = role === "server" ? installed : null;
    const found = version === null ? ("none" as const) : ("server" as const);
    const machine = { machineId: machineIdOf(node), productUuid: null };
    return { node, arch: "amd64" as const, ...machine, role: found, version };
  });
  const named = (role: string) => machines.filter((one) => one.role === role).map(({ name }) => name);
  const roles = { agents: named("agent"), balancers: named("balancer") };
  const { problems, ...passed } = checkNodes(facts, { ...wanted, ...roles });
  if (problems.length > 0) throw new Error(problems.map(problemLine).join("\n"));
  return JSON.stringify(passed);
}

function localAnswer({ create, stdin }: MockResourceArgs["inputs"], installed: string | null): string {
  return String(create).includes("local-preflight.ts") ? preflightAnswer(String(stdin), installed) : "{}";
}

/** The outputs that the providers would add to a resource's inputs. */
export function answerOf(
  { type, name, inputs }: MockResourceArgs,
  installed: string | null,
): Record<string, unknown> {
  if (type === "random:index/randomPassword:RandomPassword")
    return { result: `${canary}${name.split("-").at(-1)}` };
  if (type === "command:local:Command") return { stdout: localAnswer(inputs, installed), stderr: "" };
  if (type !== "command:remote:Command") return {};
  const command = lineOf({ inputs });
  const verb = /k3s-node (\S+)/.exec(command)?.[1] ?? "";
  return { stdout: answers[verb]!(command), stderr: `12:00:00 ${verb}` };
}
