/** Configurations for tests. */

type Mapping = Record<string, unknown>;

const keyBody = (name: string) => {
  const type = Buffer.from("ssh-ed25519");
  const blob = Buffer.concat([
    Buffer.from([0, 0, 0, type.length]),
    type,
    Buffer.from([0, 0, 0, 32]),
    Buffer.from(name.padEnd(32, ".").slice(0, 32)),
  ]);
  return blob.toString("base64");
};

/** A well-formed host key that is the node's own. */
export const hostKeyOf = (name: string) => `ssh-ed25519 ${keyBody(name)}`;

export const nodeInput = (name: string, host: string, more: Mapping = {}): Mapping => ({
  name,
  host,
  hostKey: hostKeyOf(name),
  ...more,
});

export const serverInputs = (count: number) =>
  Array.from({ length: count }, (_, index) => nodeInput(`server-${index + 1}`, `192.0.2.${11 + index}`));

export const agentInputs = (count: number) =>
  Array.from({ length: count }, (_, index) => nodeInput(`agent-${index + 1}`, `198.51.100.${1 + index}`));

/** Three servers, one agent and kube-vip, with only what must be said. */
export const exampleInput = (more: Mapping = {}): Mapping => ({
  version: "v1.34.2+k3s1",
  endpoint: { provider: "kube-vip", address: "192.0.2.10" },
  servers: serverInputs(3),
  agents: agentInputs(1),
  ...more,
});

/** A stack file's values as Pulumi hands them over: texts, JSON for what is structured. */
export const asPulumi = (config: Mapping): Record<string, string> =>
  Object.fromEntries(
    Object.entries(config).map(([name, value]) => [
      name,
      typeof value === "string" ? value : JSON.stringify(value),
    ]),
  );
