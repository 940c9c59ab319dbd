import assert from "node:assert/strict";
import type { IncomingMessage } from "node:http";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { lostOf, startWriter } from "../../../measure/writer.ts";
import { serveHttps } from "./https.ts";

type ConfigMap = { metadata: { name: string; labels: Record<string, string> }; data: { content: string } };

/** An API that keeps ConfigMaps, and what a test does to it. */
async function serveApi() {
  const kept = new Map<string, ConfigMap>();
  const posted: string[] = [];
  const state = { kept, posted, connections: 0, healthy: true };
  const { server, url, cert, key } = await serveHttps(async (request, response) => {
    if (request.method === "GET")
      return void response.end(
        JSON.stringify({ items: state.healthy ? [...kept.values()] : [], url: request.url }),
      );
    const object = JSON.parse(await bodyOf(request)) as ConfigMap;
    posted.push(object.metadata.name);
    if (state.healthy) kept.set(object.metadata.name, object);
    response.writeHead(state.healthy ? 201 : 503).end("{}");
  });
  server.on("secureConnection", () => state.connections++);
  return { state, access: { server: url, ca: cert, cert, key }, close: () => server.close() };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = "";
  for await (const chunk of request) body += chunk;
  return body;
}

test("the writer counts what was acknowledged, sees a pause, and names what was lost", async () => {
  const { state, access, close } = await serveApi();
  const writer = await startWriter({ access, name: "trial" });
  const posts = async (more: number) => {
    const wanted = state.posted.length + more;
    while (state.posted.length < wanted) await sleep(10);
  };
  await posts(3);
  state.healthy = false;
  await sleep(300);
  await posts(1);
  state.healthy = true;
  await posts(2);
  const [victim, altered] = [...state.kept.keys()];
  state.kept.delete(victim!);
  state.kept.get(altered!)!.data.content = "something else";
  const { acknowledged, lost, longestPauseMs } = await writer.stop().finally(close);
  assert.equal(acknowledged, state.kept.size + 1);
  assert.deepEqual(lost, [victim, altered]);
  assert.ok(longestPauseMs >= 300 && longestPauseMs <= 20_000, `${longestPauseMs} ms`);
  assert.ok(state.posted.length > acknowledged, "some writes must have been refused");
  assert.equal(new Set(state.posted).size, state.posted.length, "a name was used twice");
  assert.equal(state.connections, state.posted.length + 1, "a connection was used twice");
});

test("a writer that is stopped in an outage says how long it has lasted", async () => {
  const { state, access, close } = await serveApi();
  state.healthy = false;
  const writer = await startWriter({ access, name: "silence" });
  while (state.posted.length === 0) await sleep(10);
  await sleep(400);
  const { acknowledged, lost, longestPauseMs } = await writer.stop().finally(close);
  assert.deepEqual([acknowledged, lost], [0, []]);
  assert.ok(longestPauseMs >= 300, `${longestPauseMs} ms`);
});

test("lostOf compares names and contents", () => {
  const item = (name: string, content = name) => ({ metadata: { name }, data: { content } });
  assert.deepEqual(lostOf(["a", "b", "c"], [item("a"), item("b", "x"), item("d")]), ["b", "c"]);
  assert.deepEqual(lostOf([], [item("a")]), []);
});
