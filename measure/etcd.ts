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
ask() {
  for port in 2382 2379; do
    curl -fsS --max-time 5 --cacert $tls/server-ca.crt --cert $tls/client.crt --key $tls/client.key \\
      -X POST -d '{}' "https://127.0.0.1:$port/v3/$1" 2>/dev/null && return
  done
  return 1
}
ask cluster/member/list && echo && ask maintenance/status`;

/** The members, from one server. @throws when its etcd does not answer. */
export async function membersOf(server: Shell): Promise<Member[]> {
  const { code, stdout, stderr } = await server.exec(ask, { timeoutMs: 15_000 });
  if (code !== 0)
    throw new Error(`${server.name}: its etcd does not answer (exit code ${code}) ${stderr.trim()}`);
  const [list = "", status = ""] = stdout.trim().split("\n");
  return parseMembers(list, status);
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
