import { randomBytes } from "node:crypto";
import { connect } from "node:net";
import type { Flag } from "../../components/command-line.ts";
import { clockCommand, readClock } from "../../config/clocks.ts";
import { apiPort, endpointAddress, virtualAddress } from "../../config/render.ts";
import { living } from "../../config/roster.ts";
import type { ClusterConfig, MachineConfig } from "../../config/schema.ts";
import { reasonOf } from "../../ssh/execute.ts";
import type { Ran, Remote } from "../remote.ts";
import { type ClusterFacts, type Patient, readCheckup } from "./facts.ts";

/** Seconds that a node is given to look at itself. */
const patience = 25;
/** Milliseconds in which the endpoint must answer. */
const endpointMs = 3_000;

/** Told of every machine that was looked at, or does not answer. */
export type Looked = (machine: string) => void;

/**
 * Looks at every machine of a stack at the same time, and from each at the others. Changes nothing. A machine that does
 * not answer, or answers nonsense, is a fact.
 */
export async function look(remote: Remote, looked: Looked): Promise<ClusterFacts> {
  const { config, machines } = remote;
  const endpoint = answers(endpointAddress(config));
  const first = await Promise.all(machines.map((machine) => greet(remote, machine)));
  const asked = first.find(({ machine, active }) => machine.role === "server" && active)?.machine.name;
  const nonce = randomBytes(32).toString("hex");
  const patients = await Promise.all(
    first.map(async (greeted): Promise<Patient> => {
      const { machine } = greeted;
      if (greeted.problem !== undefined) {
        looked(machine.name);
        return { machine, problem: greeted.problem };
      }
      const { clock } = greeted;
      const flags = checkupFlags(config, machine, nonce, machine.name === asked);
      const ran = await remote.verb(machine.name, { verb: "checkup", flags }, { seconds: patience });
      looked(machine.name);
      return { machine, ...read(machine.name, ran), ...(clock && { clock }) };
    }),
  );
  return { config, patients, endpoint: await endpoint, now: Date.now() };
}

interface Greeted {
  readonly machine: MachineConfig;
  /** Whether k3s runs there. */
  readonly active: boolean;
  readonly clock?: Patient["clock"];
  readonly problem?: string;
}

/** The first word with a machine opens the connection; the second, of a few bytes each way, tells its time. */
async function greet(remote: Remote, machine: MachineConfig): Promise<Greeted> {
  const met = await remote.run(machine.name, "systemctl is-active --quiet k3s.service", { seconds: 10 });
  if (!met.reached) return { machine, active: false, problem: met.problem };
  const asked = Date.now();
  const told = await remote.run(machine.name, clockCommand, { seconds: 10 });
  const clock = told.reached ? readClock(asked, Date.now(), told.stdout) : undefined;
  return { machine, active: met.code === 0, ...(clock && { clock }) };
}

/** What a machine is asked: its peers, so that it knocks at them, and what only one of them is asked. */
function checkupFlags(config: ClusterConfig, machine: MachineConfig, nonce: string, asked: boolean): Flag[] {
  const servers = living(config.servers);
  const peers = [...servers, ...living(config.agents)].filter(({ name }) => name !== machine.name);
  const vip = virtualAddress(config);
  const services = servicesOn(config, machine);
  return [
    ["name", machine.name],
    ["role", machine.role],
    ["address", machine.address],
    ["nonce", nonce],
    ["server", servers.map(({ name }) => name).join(",")],
    ...(vip === undefined ? [] : [["vip", vip] as const]),
    ...(services.length > 0 ? [["services", services.join(",")] as const] : []),
    ...(machine.role === "balancer"
      ? []
      : peers.map(({ name, address }) => ["peer", `${name}=${address}`] as const)),
    ...(asked ? [["api", null] as const] : []),
    ...(asked && config.backup.s3 ? [["s3", null] as const] : []),
  ];
}

function servicesOn({ endpoint, balancers }: ClusterConfig, { role }: MachineConfig): string[] {
  if (role === "balancer") return balancers.length > 1 ? ["haproxy", "keepalived"] : ["haproxy"];
  return role === "server" && endpoint.provider === "keepalived" ? ["keepalived"] : [];
}

function read(name: string, ran: Ran): Pick<Patient, "facts" | "problem"> {
  if (!ran.reached) return { problem: ran.problem };
  if (ran.code !== 0) {
    return {
      problem: `${name}: it could not look at itself: ${reasonOf(ran)}`,
    };
  }
  try {
    return { facts: readCheckup(name, ran.stdout) };
  } catch (error) {
    return { problem: (error as Error).message };
  }
}

function answers(host: string): Promise<ClusterFacts["endpoint"]> {
  return new Promise((resolve) => {
    const socket = connect({ host, port: apiPort });
    const end = (problem: string) => {
      socket.destroy();
      resolve({ answers: problem === "", problem });
    };
    socket.setTimeout(endpointMs, () => end(`${host}:${apiPort} is silent`));
    socket.once("connect", () => end(""));
    socket.once("error", (error) => end(error.message));
  });
}
