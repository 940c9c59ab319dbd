import assert from "node:assert/strict";
import { test } from "node:test";
import { type AddressReport, addressReport, holderProblem } from "../../config/holders.ts";

const vip = "192.0.2.10";
const report = (node: string, more: Partial<AddressReport> = {}): AddressReport => ({
  node,
  interface: null,
  by: [],
  answers: true,
  carrier: true,
  ...more,
});
const three = (...more: Partial<AddressReport>[]) =>
  [1, 2, 3].map((index) => report(`server-${index}`, { by: ["kube-vip"], ...more[index - 1] }));

test("K3 one machine has the address and the API answers there for all others: nothing is said", () => {
  assert.equal(holderProblem(vip, three({}, { interface: "eno1" })), undefined);
});

test("S26 the address on two machines is critical, names both, and says how to take it away", () => {
  const problem = holderProblem(vip, three({ interface: "eno1" }, {}, { interface: "br0" }))!;
  assert.equal(problem.severity, "critical");
  assert.match(problem.found, /^192\.0\.2\.10 is on 2 machines: server-1 \(eno1\) and server-3 \(br0\)/);
  assert.match(problem.next, /on server-1: `ip address delete 192\.0\.2\.10\/32 dev eno1`/);
  const agent = [...three({ interface: "eno1" }), report("agent-1", { interface: "eth0" })];
  assert.match(holderProblem(vip, agent)!.found, /server-1 \(eno1\) and agent-1 \(eth0\)/);
});

test("K3 nobody has it, or somebody cannot reach it: critical, with the name", () => {
  const silent = { answers: false };
  const none = holderProblem(vip, three(silent, silent, silent))!;
  assert.equal(none.severity, "critical");
  assert.match(none.found, /^no machine has 192\.0\.2\.10$/);
  const deaf = holderProblem(vip, [...three({ interface: "eno1" }), report("agent-1", { answers: false })])!;
  assert.equal(deaf.severity, "critical");
  assert.match(deaf.found, /is on server-1, but the API does not answer there for agent-1$/);
});

test("S34 a server that leaves may have it until the end of the run, when it is not asked any more: a warning", () => {
  const problem = holderProblem(vip, three())!;
  assert.equal(problem.severity, "warning");
  assert.match(problem.found, /^192\.0\.2\.10 answers, but no machine of the stack has it$/);
  assert.equal(holderProblem(vip, three({ answers: false }))!.severity, "critical");
});

test("K7 while one way of announcing it takes over from another, each may hold it once, and no more", () => {
  const both = ["kube-vip", "keepalived"] as const;
  const changing = three({ interface: "eno1", by: [...both] }, { interface: "eno1", by: [...both] });
  assert.equal(holderProblem(vip, changing)!.severity, "warning");
  assert.match(holderProblem(vip, changing)!.found, /announced by keepalived and kube-vip/);
  const balancers = [
    report("lb-1", { interface: "eth0", by: ["keepalived"] }),
    report("server-1", { interface: "eth0", by: ["keepalived"], carrier: false }),
  ];
  assert.match(holderProblem(vip, balancers)!.found, /announced by keepalived and keepalived of before/);
  const thrice = changing.map((one) => ({ ...one, interface: "eno1" }));
  assert.equal(holderProblem(vip, thrice)!.severity, "critical");
});

test("S38 what a machine says of it is looked at before it is shown", () => {
  assert.ok(addressReport.safeParse(report("server-1", { interface: "eno1.7@eno1" })).success);
  for (const hostile of [report("$(x)"), report("a", { interface: "\u001b[2J" })])
    assert.ok(!addressReport.safeParse(hostile).success);
});
