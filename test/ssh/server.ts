import { spawn } from "node:child_process";
import { connect } from "node:net";
import ssh2, { type AuthContext, type Connection, type Server, type ServerChannel } from "ssh2";
import { makeKeyPair } from "../../lab/machines/keys.ts";

/** A pair of keys: the private half in OpenSSH format, the public half as in authorized_keys. */
export type Pair = { private: string; public: string };

export function newPair(passphrase?: string): Pair {
  const { privateKey, publicKey } = makeKeyPair(passphrase);
  return { private: privateKey, public: publicKey };
}

/** How a server of the tests behaves. */
export type Behaviour = {
  hostKey?: Pair;
  /** The public keys that each user's authorized_keys would hold. */
  users: Record<string, string[]>;
  /** What `sudo -n true` and `ping` end with; 0 without text when absent. */
  commands?: Record<string, { code: number; stderr: string; stdout?: string }>;
  /** The connection is cut where a command holds this word, which is then not answered. */
  cutAt?: string;
  /** The connection is lost where a command holds this word, once it has begun. */
  lostIn?: string;
  /** Whether other commands really run, on this machine. */
  shell?: boolean;
  /** Where forwarded connections go: really there, or refused with this text. */
  forward?: "real" | { refuse: string };
  banner?: string;
  port?: number;
};

export type TestServer = {
  port: number;
  hostKey: string;
  logins: string[];
  /** Those that are open now. */
  connections: ReadonlySet<Connection>;
  close(): void;
};

/** A small SSH server on the loopback interface. */
export async function startServer(behaviour: Behaviour): Promise<TestServer> {
  const hostKey = behaviour.hostKey ?? newPair();
  const logins: string[] = [];
  const connections = new Set<Connection>();
  const options = { hostKeys: [hostKey.private], ...(behaviour.banner ? { banner: behaviour.banner } : {}) };
  const server: Server = new ssh2.Server(options, (client) => {
    connections.add(client);
    client.on("error", () => {});
    client.on("close", () => connections.delete(client));
    client.on("authentication", (context) => {
      if (context.method === "publickey" && !context.signature) logins.push(context.username);
      if (isAllowed(behaviour, context)) context.accept();
      else context.reject(["publickey"]);
    });
    client.on("ready", () => serve(client, behaviour));
  });
  await new Promise<void>((resolve) => server.listen(behaviour.port ?? 0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const close = () => {
    for (const connection of connections) connection.end();
    server.close();
  };
  return { port, hostKey: hostKey.public, logins, connections, close };
}

function isAllowed(behaviour: Behaviour, context: AuthContext): boolean {
  if (context.method !== "publickey") return false;
  return (behaviour.users[context.username] ?? []).some((text) => {
    const key = ssh2.utils.parseKey(text);
    if (key instanceof Error || !key.getPublicSSH().equals(context.key.data)) return false;
    if (!context.signature) return true;
    return key.verify(context.blob!, context.signature, context.hashAlgo) === true;
  });
}

function serve(client: Connection, { commands = {}, cutAt, lostIn, shell, forward }: Behaviour): void {
  client.on("session", (accept) => {
    accept().on("exec", (acceptExec, _reject, { command }) => {
      if (cutAt !== undefined && command.includes(cutAt)) return client.end();
      const channel = acceptExec();
      if (lostIn !== undefined && command.includes(lostIn)) return setTimeout(() => client.end(), 20);
      if (shell && !commands[command]) return runHere(client, channel, command);
      const { code, stderr, stdout = "" } = commands[command] ?? { code: 0, stderr: "" };
      channel.write(stdout);
      channel.stderr.write(stderr);
      channel.exit(code);
      channel.end();
    });
  });
  client.on("tcpip", (accept, reject, { destIP, destPort }) => {
    if (forward !== "real") return refuse(client, reject, forward?.refuse ?? "administratively prohibited");
    const socket = connect(destPort, destIP);
    socket.once("error", () => refuse(client, reject, "Connection refused"));
    socket.once("connect", () => {
      const channel = accept();
      channel.on("error", () => {});
      socket.on("error", () => channel.end());
      socket.pipe(channel).pipe(socket);
    });
  });
}

function runHere(client: Connection, channel: ServerChannel, command: string): void {
  const child = spawn("bash", ["--norc", "-c", command], { cwd: "/", env: { PATH: process.env.PATH } });
  channel.pipe(child.stdin).on("error", () => {});
  // as sshd does
  client.on("close", () => {
    child.stdin.end();
    child.stdout.destroy();
  });
  child.stdout.pipe(channel, { end: false });
  child.stderr.pipe(channel.stderr, { end: false });
  child.on("close", (code) => {
    channel.exit(code ?? 255);
    channel.end();
  });
}

type Protocol = { channelOpenFail(channel: number, reason: number, text?: string): void };
const connectFailed = 2;

/** Refuses a channel with the text that OpenSSH would send: `reject` alone has none. */
function refuse(client: Connection, reject: () => void, text: string): void {
  const protocol = (client as unknown as { _protocol: Protocol })._protocol;
  const send = protocol.channelOpenFail;
  protocol.channelOpenFail = (channel) => send.call(protocol, channel, connectFailed, text);
  reject();
  protocol.channelOpenFail = send;
}
