import assert from "node:assert/strict";
import { test } from "node:test";
import { clocksOff } from "../../config/clocks.ts";
import { limits } from "../../config/limits.ts";
import { judge, listening, type Measured, measuring } from "../../config/measured.ts";
import { problemLine } from "../../config/problems.ts";

const asked = limits.parse({});
const names = ["server-1", "server-2", "server-3", "agent-1"];

type Spoiled = { name: string; listening: object; measuring: object; heard?: string[]; clock?: object };

/** Four fresh machines on a good network, with what a test spoils. */
function machines(...spoiled: Partial<Spoiled>[]): Measured[] {
  return names.map((name) => {
    const own = spoiled.find((one) => one.name === name);
    const server = name.startsWith("server");
    const ports = server ? [6443, 2379, 2380, 10250] : [10250];
    const others = names.filter((other) => other !== name);
    const knocks = others.flatMap((to) =>
      (to.startsWith("server") ? [6443, 2379] : [10250]).map((port) => `${to} ${port} open 300`),
    );
    const listens = { node: name, new: true, taken: [], listens: ports, vxlan: true };
    const measured = { node: name, knocks, disk: server ? { medium: "disk", syncMicros: 900 } : null };
    return {
      name,
      role: server ? "server" : "agent",
      listening: listening.parse({ ...listens, ...own?.listening }),
      measuring: measuring.parse({ ...measured, ...own?.measuring }),
      heard: own?.heard ?? others,
      clock: { offsetMs: 4, uncertaintyMs: 6, ...own?.clock },
    };
  });
}

const lines = (...spoiled: Partial<Spoiled>[]) =>
  judge(machines(...spoiled), asked).problems.map(problemLine);

test("M1 good machines on a good network have no problem", () => {
  assert.deepEqual(judge(machines(), asked), { problems: [], warnings: [] });
});

test("S13 a port that is taken is named with its owner, and never shown as it came", () => {
  const taken = ["tcp 6443 nginx (812)", "udp 8472 \u001b[2J (9)"];
  assert.deepEqual(lines({ name: "server-2", listening: { taken } }), [
    "server-2: found TCP port 6443 taken by nginx (812); wanted a port that is free for k3s. Stop that program, or give it another port.",
    "server-2: found UDP port 8472 taken by \\u001b[2J (9); wanted a port that is free for k3s. Stop that program, or give it another port.",
  ]);
});

test("S13 a port that is blocked is named once, with all that are kept out", () => {
  const knocks = ["server-1 2379 silent 0", "server-1 6443 open 200"];
  const found = lines(
    { name: "server-2", measuring: { knocks } },
    { name: "server-3", measuring: { knocks: ["server-1 2379 rejected 0"] } },
  );
  assert.equal(found.length, 1);
  assert.match(found[0]!, /^server-1: found TCP port 2379 blocked from server-2, server-3;/);
});

test("S13 a refusal counts where something listens, and not where nothing does", () => {
  const knocks = ["server-1 2379 refused 0"];
  assert.equal(lines({ name: "server-2", measuring: { knocks } }).length, 1);
  assert.deepEqual(
    lines({ name: "server-1", listening: { listens: [] } }, { name: "server-2", measuring: { knocks } }),
    [],
  );
});

test("S13 UDP that does not arrive is a blocked port, where somebody listened for it", () => {
  assert.match(
    lines({ name: "agent-1", heard: ["server-1", "server-3"] })[0]!,
    /^agent-1: found UDP port 8472 blocked from server-2;/,
  );
  assert.deepEqual(lines({ name: "agent-1", heard: [], listening: { vxlan: false } }), []);
});

test("S12 H5 a slow disk is warned about, a very slow one refused, each with its figure", () => {
  const disk = (syncMicros: number) => ({
    name: "server-3",
    measuring: { disk: { medium: "disk", syncMicros } },
  });
  const { problems, warnings } = judge(machines(disk(23_400)), asked);
  assert.deepEqual(problems, []);
  assert.match(warnings[0]!, /^server-3: found 23\.4 ms for a write of 8 KiB .* at most 10 ms/);
  assert.match(lines(disk(140_000))[0]!, /^server-3: found 140\.0 ms .* at most 100 ms/);
  assert.deepEqual(judge(machines(disk(140_000)), { ...asked, diskSyncRefusedMs: 200 }).problems, []);
});

test("H5 etcd on an SD card is refused, unless the stack says that it may", () => {
  const card = { name: "server-1", measuring: { disk: { medium: "sd-card", syncMicros: 2000 } } };
  assert.match(lines(card)[0]!, /an SD card where etcd would write.*limits\.sdCards: true/);
  assert.deepEqual(judge(machines(card), { ...asked, sdCards: true }).problems, []);
});

test("S14 H5 servers that are far from each other are refused, agents may be", () => {
  const far = (name: string, to: string) => ({
    name,
    measuring: { knocks: [`${to} 6443 open 25000`, `${to} 2379 open 21000`] },
  });
  assert.match(
    lines(far("server-1", "server-2"), far("server-2", "server-1"))[0]!,
    /^server-1: found a round trip of 21\.0 ms to server-2; wanted at most 10 ms/,
  );
  // one slow answer among good ones is no distance
  assert.deepEqual(lines(far("server-1", "server-2")), []);
  assert.deepEqual(lines(far("agent-1", "server-2")), []);
});

test("S14 a clock that is off is told from those that are right", () => {
  assert.match(
    lines({ name: "server-3", clock: { offsetMs: -61_000 } })[0]!,
    /^server-3: found a clock that is 61\.0 s behind; wanted within 1000 ms/,
  );
  // as far as it is certain: the way there and back took long
  assert.deepEqual(lines({ name: "server-3", clock: { offsetMs: 1500, uncertaintyMs: 900 } }), []);
  const alone = [{ name: "a", offsetMs: 5000, uncertaintyMs: 1 }];
  assert.deepEqual(clocksOff(alone, 1000), [{ name: "a", offMs: 5000 }]);
});

test("M1 problems of several machines come together, by machine", () => {
  const found = lines(
    { name: "server-3", listening: { taken: ["tcp 10250 x (1)"] } },
    { name: "server-1", clock: { offsetMs: 9000 } },
  );
  assert.deepEqual(
    found.map((line) => line.split(":")[0]),
    ["server-1", "server-3"],
  );
});

test("S38 what a node says is checked before it is used", () => {
  const good = { node: "a", new: true, taken: [], listens: [], vxlan: false };
  assert.equal(listening.safeParse(good).success, true);
  assert.equal(listening.safeParse({ ...good, listens: [70_000] }).success, false);
  assert.equal(listening.safeParse({ ...good, taken: ["x".repeat(201)] }).success, false);
  assert.equal(measuring.safeParse({ node: "a", knocks: ["b 1 open $(x)"], disk: null }).success, false);
});

test("S03 a new cluster takes no address that answers; that of a living one may", () => {
  const problems = (...spoiled: Partial<Spoiled>[]) =>
    judge(machines(...spoiled), asked, "192.0.2.10").problems.map(problemLine);
  assert.match(problems().join(), /^endpoint\.address: found 192\.0\.2\.10, which answers already/);
  assert.deepEqual(problems({ name: "server-3", listening: { new: false } }), []);
  assert.equal(problems({ name: "agent-1", listening: { new: false } }).length, 1);
});
