import { z } from "zod";
import type { Flag } from "../../components/command-line.ts";
import { answerOf } from "../answer.ts";
import type { TargetCluster } from "../target.ts";
import { type Power, RemotePower } from "./power.ts";
import type { Scenario } from "./scenario.ts";

/** What is done to the victim, and how it ends. */
export interface Blow {
  /** For people: `server-1 is cut off from server-2 and server-3`. */
  readonly what: string;
  strike(): Promise<void>;
  /** Ends it, as far as it does not end by itself, and returns when the machine is there again. Harmless when it is. */
  heal(): Promise<void>;
}

/** Beyond the time that a server shall be cut off: when the tool dies, its own timer ends it so much later, seconds. */
const deadmanSeconds = 60;
const verbSeconds = 20;

/** @param hold Seconds that a server stays cut off. */
export function blowOf(
  scenario: Scenario,
  victim: string,
  cluster: TargetCluster,
  power: Power,
  hold: number,
): Blow {
  if (scenario === "cut-off") return cutOff(victim, cluster, hold);
  if (scenario === "reboot") {
    const restarts = new RemotePower(cluster.remote);
    return {
      what: `${victim} is rebooted`,
      strike: () => restarts.reboot(victim),
      heal: () => restarts.restore(victim),
    };
  }
  return {
    what: `${victim}: ${power.how}`,
    strike: () => power.cut(victim),
    heal: () => power.restore(victim),
  };
}

function cutOff(victim: string, { servers, remote }: TargetCluster, hold: number): Blow {
  const others = servers.filter(({ name }) => name !== victim);
  const peers = others.map(({ name, address }): Flag => ["peer", `${name}=${address}`]);
  const verb = async (name: string, flags: readonly Flag[]) => {
    const step = { verb: name, flags: [["name", victim] as const, ...flags] };
    answerOf(await remote.verb(victim, step, { seconds: verbSeconds }), z.object({ node: z.string() }));
  };
  return {
    what: `${victim} is cut off from ${others.map(({ name }) => name).join(" and ")}`,
    strike: () => verb("cut-off", [...peers, ["seconds", hold + deadmanSeconds]]),
    heal: () => verb("reunite", []),
  };
}
