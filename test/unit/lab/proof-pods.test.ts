import assert from "node:assert/strict";
import { test } from "node:test";
import { answersIn } from "../../../lab/proof-pods.ts";
import { askAll, serving, workload } from "../../../lab/workload.ts";

const condition = (status: string) => ({ conditions: [{ type: "Ready", status }] });

test("a pod serves when it is ready and stays", () => {
  const pods = [
    {
      metadata: { name: "a" },
      spec: { nodeName: "n1" },
      status: { podIP: "10.42.0.5", ...condition("True") },
    },
    { metadata: { name: "b" }, spec: { nodeName: "n1" }, status: condition("False") },
    {
      metadata: { name: "c", deletionTimestamp: "2026-01-01T00:00:00Z" },
      spec: { nodeName: "n1" },
      status: condition("True"),
    },
    { metadata: { name: "d" }, spec: {} },
  ];
  assert.deepEqual(serving(pods), [{ name: "a", node: "n1", ip: "10.42.0.5" }]);
});

test("who does not reach whom is named, and so is a Service that does not answer", () => {
  const pod = { name: "a", node: "n1", ip: "10.42.0.5" };
  const others = [
    { name: "b", node: "n2", ip: "10.42.1.5" },
    { name: "c", node: "n3", ip: "10.42.2.5" },
  ];
  const service = "10.43.0.9";
  const good = "10.42.1.5 n2\n10.42.2.5 n3\n10.43.0.9 n3\n10.43.0.9 n1\n";
  assert.deepEqual(answersIn(good, pod, others, service), ["n3", "n1"]);
  const wrong = good.replace("10.42.2.5 n3", "10.42.2.5 n2");
  assert.throws(
    () => answersIn(wrong, pod, others, service),
    /n1: its pod .* does not reach those of n3 \(10\.42\.2\.5\)/,
  );
  const silent = good.replace("10.43.0.9 n1", "10.43.0.9 ");
  assert.throws(
    () => answersIn(silent, pod, others, service),
    /1 of 2 requests to the Service \(10\.43\.0\.9\) failed/,
  );
  assert.throws(() => answersIn("10.42.1.5 n2\n10.42.2.5 n3\n", pod, others, service), /0 of 0 requests/);
});

test("a pod asks each address once, the Service at its own port", () => {
  assert.deepEqual(askAll([{ ip: "10.42.1.5" }, { ip: "10.43.0.9", port: 80 }]).split("\n"), [
    `echo "10.42.1.5 $(printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 5 10.42.1.5 8080 | tail -n 1)"`,
    `echo "10.43.0.9 $(printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 5 10.43.0.9 80 | tail -n 1)"`,
  ]);
});

test("as many pods move as there are nodes, none for another image", () => {
  const objects = workload("docker.io/library/lab-workload:1", 4);
  assert.equal(objects.length, 3);
  const text = JSON.stringify(objects);
  assert.equal(text.match(/"image":"docker\.io\/library\/lab-workload:1"/g)?.length, 2);
  assert.match(text, /"replicas":4/);
});
