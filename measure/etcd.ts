/** The part of a machine that is asked: a shell command over SSH. */
export type Shell = {
  readonly name: string;
  exec(
    command: string,
    options?: { stdin?: string; timeoutMs?: number },
  ): Promise<{ code: number; stdout: string; stderr: string }>;
};

/** A member of etcd as etcd itself lists it. */
export type Member = { id: string; name: string; voter: boolean; leader: boolean };

/**
 * Asks the etcd of a server over its own HTTP gateway, with the server's own client certificate. k3s serves it on port
 * 2382 since it splits HTTP from gRPC, on 2379 before.
 */
const ask = `
tls=/var/lib/rancher/k3s/server/tls/etcd
nothing={}
ask() {
  for port in 2382 2379; do
    curl -fsS --max-time 5 --cacert $tls/server-ca.crt --cert $tls/client.crt --key $tls/client.key \\
      -X POST -d "\${2-$nothing}" "https://127.0.0.1:$port/v3/$1" 2>/dev/null && return
  done
  return 1
}
`;

/** @throws when the server's etcd does not answer. */
async function answersOf(server: Shell, questions: string): Promise<string[]> {
  const { code, stdout, stderr } = await server.exec(ask + questions, { timeoutMs: 15_000 });
  if (code === 0) return stdout.trim().split("\n");
  throw new Error(`${server.name}: its etcd does not answer (exit code ${code}) ${stderr.trim()}`);
}

/** The members, from one server. @throws when its etcd does not answer. */
export async function membersOf(server: Shell): Promise<Member[]> {
  const [list = "", status = ""] = await answersOf(
    server,
    "ask cluster/member/list && echo && ask maintenance/status",
  );
  return parseMembers(list, status);
}

/** In which term a server's etcd is: it grows with every election, whoever wins. @throws as {@link membersOf} */
export async function termOf(server: Shell): Promise<number> {
  const [status = ""] = await answersOf(server, "ask maintenance/status");
  return Number((JSON.parse(status) as { raftTerm: string }).raftTerm);
}

/** Makes a server lead etcd, without an election. @throws when it does not lead afterwards. */
export async function giveLeadership(servers: readonly Shell[], to: string): Promise<void> {
  const members = await membersOf(servers[0]!);
  const leader = servers.find(({ name }) => members.some((m) => m.leader && m.name === name));
  const target = members.find(({ name }) => name === to);
  if (!leader || !target) throw new Error(`${to}: found no leader, or no such member`);
  if (leader.name === to) return;
  const id = BigInt(`0x${target.id}`).toString();
  await answersOf(leader, `ask maintenance/transfer-leadership '{"targetID":"${id}"}'`);
  const now = await membersOf(servers[0]!);
  if (!now.some((m) => m.leader && m.name === to)) throw new Error(`${to} does not lead etcd`);
}

/** Pure part of {@link membersOf}: the answers of `cluster/member/list` and `maintenance/status`. */
export function parseMembers(list: string, status: string): Member[] {
  const { members } = JSON.parse(list) as { members: { ID: string; name?: string; isLearner?: boolean }[] };
  const { leader } = JSON.parse(status) as { leader?: string };
  return members
    .map((member) => ({
      id: BigInt(member.ID).toString(16),
      // k3s appends eight characters of its own, so that a machine that comes back is a new member
      name: (member.name ?? "").replace(/-[0-9a-f]{8}$/, ""),
      voter: !member.isLearner && Boolean(member.name),
      leader: member.ID === leader,
    }))
    .sort((a, b) => a.name.localeCompare(b.name));
}

/** The servers that carry the virtual address on one of their interfaces; those that do not answer carry nothing. */
export async function holdersOf(vip: string, servers: readonly Shell[]): Promise<string[]> {
  const answers = await Promise.all(
    servers.map((server) =>
      server.exec(`ip -o -4 addr show to ${vip}/32`, { timeoutMs: 5_000 }).catch(() => ({ stdout: "" })),
    ),
  );
  return servers.filter((_, i) => answers[i]!.stdout.includes(vip)).map((server) => server.name);
}
