import { z } from "zod";

/** A host name, an IPv4 or an IPv6 address: nothing that a shell or an option parser could misread. */
const host = z.string().regex(/^[A-Za-z0-9:][A-Za-z0-9.:_-]{0,252}$/, "is not a host name or address");
const user = z.string().regex(/^[a-z_][a-z0-9_.-]{0,31}$/i, "is not a user name");

/** How to log in: an own private key (OpenSSH or PEM), or the agent behind a socket. */
const auth = {
  privateKey: z.string().optional(),
  passphrase: z.string().optional(),
  agentSocket: z.string().optional(),
};

const hop = {
  host,
  port: z.int().min(1).max(65535).default(22),
  user: user.default("root"),
  /** As in known_hosts without the host: `ssh-ed25519 AAAA...`. */
  hostKey: z.string().regex(/^(ssh|ecdsa)-[a-z0-9-]+ [A-Za-z0-9+/]+=*( .*)?$/, "is not `TYPE BASE64`"),
  ...auth,
};

/** How one machine is reached. */
export const Request = z.strictObject({
  name: z.string().min(1),
  ...hop,
  /** The machine to go through; it uses the node's own key or agent when it has none. */
  bastion: z.strictObject(hop).optional(),
  /** Other user names of the stack: tried when the login is refused, to tell a wrong user from a wrong key. */
  users: z.array(user).default([]),
  /** How long to wait for a machine that does not answer, in seconds: a reboot takes less than a minute. */
  waitSeconds: z.number().min(0).max(3600).default(60),
});

export type Request = z.infer<typeof Request>;

/** The same before defaults are filled in. */
export type RequestInput = z.input<typeof Request>;

/** One SSH server on the way: the bastion or the node. */
export type Hop = Pick<
  Request,
  "host" | "port" | "user" | "hostKey" | "privateKey" | "passphrase" | "agentSocket"
>;

/**
 * Reads a request. Values are never echoed: a private key may be among them.
 * @throws Error naming every field that is wrong.
 */
export function parseRequest(text: string): Request {
  const parsed = Request.safeParse(jsonOf(text));
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((i) => `${i.path.join(".") || "request"}: ${i.message}`);
  throw new Error(`how a machine is reached: ${problems.join("; ")}`);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(
      "how a machine is reached: this is not JSON; it is {name, host, port, user, hostKey, ...}",
    );
  }
}

/** The node and, when there is one, the bastion with the login it falls back to. */
export function hops(request: Request): { node: Hop; bastion?: Hop } {
  const { bastion } = request;
  if (!bastion) return { node: request };
  const own = bastion.privateKey !== undefined || bastion.agentSocket !== undefined;
  const { privateKey, passphrase, agentSocket } = own ? bastion : request;
  return { node: request, bastion: withAuth(bastion, { privateKey, passphrase, agentSocket }) };
}

function withAuth(hop: Hop, login: Pick<Hop, "privateKey" | "passphrase" | "agentSocket">): Hop {
  const { host, port, user, hostKey } = hop;
  return { host, port, user, hostKey, ...login };
}
