import { type Availability, availability } from "../../measure/outage.ts";
import type { Report, Table, Timeline } from "../report/model.ts";
import { columns, duration } from "../text.ts";
import { type Drilled, type DrillResult, pace } from "./drill.ts";

/** What the figures depend on. */
const settingsOf = ({ at, endpoint, provider, version, what, led, held, hold }: DrillResult) => ({
  When: at,
  Endpoint: `${endpoint}, by ${provider}`,
  Version: version,
  Blow: `${what}${led ? "; it led etcd" : ""}${held ? "; it held the endpoint's address" : ""}`,
  "Healed after": `${hold} s, or when the API answered again`,
  Clients: `each asks every ${pace.intervalMs} ms and gives up after ${pace.timeoutMs} ms`,
});

function tables(result: DrillResult): Table[] {
  const { newConnections, keptConnection, writes, pods, healthyAfterMs, voters, holders } = result;
  const row = (name: string, { total, failed, outages, longestMs, openEnd }: Availability) => [
    name,
    total,
    failed,
    outages.length,
    duration(longestMs) + (openEnd ? " and more" : ""),
  ];
  return [
    {
      kind: "table",
      title: "Clients of the endpoint",
      head: ["client", "requests", "failed", "outages", "longest outage"],
      rows: [
        row("a new connection for each request", newConnections),
        row("one kept HTTP/2 connection", keptConnection),
      ],
      note: "An outage lasts from the first request that failed to the first after it that succeeded. The kept connection is given up as client-go gives it up: when it breaks, or after 45 s of silence.",
    },
    {
      kind: "table",
      title: "Writes",
      head: ["acknowledged", "lost", "longest pause"],
      rows: [[writes.acknowledged, writes.lost.length, duration(writes.longestPauseMs)]],
      note: "Lost: acknowledged by the API, and not there at the end.",
    },
    {
      kind: "table",
      title: "Pods that can move",
      head: ["ready before", "lowest", "back after"],
      rows: pods
        ? [[pods.before, pods.lowest, pods.backMs === null ? "not seen" : duration(pods.backMs)]]
        : [],
      note: "Kubernetes gives a node up after 40-50 s and its pods 300 s later: a shorter blow moves none.",
    },
    {
      kind: "table",
      title: "Afterwards",
      head: ["whole again after", "voters", "address on"],
      rows: [[duration(healthyAfterMs), voters.join(", "), holders.join(", ") || "-"]],
    },
  ];
}

const noPods = "No node here runs containers: that pods move cannot be shown.";

/** One sentence: what came out. */
export function verdict({ newConnections, writes }: DrillResult): string {
  const { longestMs, openEnd } = newConnections;
  const away =
    longestMs === 0
      ? "The API answered all the time"
      : `The API was away for ${duration(longestMs)}${openEnd ? " and more" : ""}`;
  const lost = writes.lost.length;
  return `${away}; ${lost === 0 ? `none of ${writes.acknowledged} acknowledged writes was lost` : `${lost} of ${writes.acknowledged} ACKNOWLEDGED WRITES ARE LOST`}.`;
}

/** For a terminal. */
export function drillText(result: DrillResult): string {
  const settings = Object.entries(settingsOf(result)).map(([name, value]) => `${name}: ${value}`);
  const shown = tables(result)
    .filter(({ rows }) => rows.length > 0)
    .map(({ title, head, rows }) => `${title}\n${columns([head, ...rows])}`);
  return [settings.join("\n"), ...shown, ...(result.pods ? [] : [noPods]), verdict(result)].join("\n\n");
}

/** For a browser. */
export function drillReport({ result, watched }: Drilled): Report {
  const { happenings } = result;
  const series = [
    { name: "new connections", points: watched.fresh },
    { name: "kept connection", points: watched.kept },
  ];
  const bands = availability(watched.fresh).outages;
  const timeline: Timeline = { kind: "timeline", title: "What happened", happenings };
  return {
    title: `Drill ${result.scenario} of ${result.endpoint}`,
    summary: `${verdict(result)}${result.pods ? "" : ` ${noPods}`}`,
    settings: settingsOf(result),
    sections: [
      { kind: "plot", title: "Requests through the endpoint", series, bands, happenings },
      timeline,
      ...tables(result).filter(({ rows }) => rows.length > 0),
    ],
  };
}
