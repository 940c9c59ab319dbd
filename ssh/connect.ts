import { connect as dial } from "node:net";
import type { Duplex } from "node:stream";
import ssh2, { type Client } from "ssh2";
import { codeOf } from "./execute.ts";
import type { Attempt } from "./failure.ts";
import { algorithmsFor, type KeyName, keyName, type Login, pinnedBlob } from "./keys.ts";
import type { Hop } from "./request.ts";

/** One TCP connection may take this long: three retransmissions of a lost first packet. */
const dialMs = 8_000;
/** The SSH handshake with login: a slow mini PC under load needs a few seconds. */
const handshakeMs = 15_000;
/** A machine that says nothing to so many questions, this far apart, is gone: one that loses its power ends no connection. */
const keepAlive = { keepaliveInterval: 10_000, keepaliveCountMax: 3 };

/** Thrown when there is no session: carries what was seen. */
export class AttemptError extends Error {
  readonly attempt: Attempt;
  constructor(attempt: Attempt) {
    super(attempt.message);
    this.attempt = attempt;
  }
}

/** Opens a TCP connection. @throws AttemptError */
export function openTcp(hop: Hop): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const socket = dial({ host: hop.host, port: hop.port, timeout: dialMs });
    const fail = (code: string | undefined, message: string) => {
      socket.destroy();
      reject(new AttemptError({ stage: "tcp", code, message, pinned: pinned(hop) }));
    };
    socket.once("connect", () => resolve(socket.setTimeout(0).setNoDelay(true)));
    socket.once("timeout", () => fail("TIMEOUT", `no answer within ${dialMs / 1000} s`));
    socket.once("error", (error: NodeJS.ErrnoException) => fail(error.code, error.message));
  });
}

/** Opens a TCP connection from a bastion to the node behind it. @throws AttemptError */
export function openForward(bastion: Client, hop: Hop): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const fail = (code: string | undefined, message: string) =>
      reject(new AttemptError({ stage: "forward", code, message, pinned: pinned(hop) }));
    const timer = setTimeout(() => fail("TIMEOUT", `no answer within ${dialMs / 1000} s`), dialMs);
    bastion.forwardOut("127.0.0.1", 0, hop.host, hop.port, (error, channel) => {
      clearTimeout(timer);
      if (error) fail(undefined, error.message.replace(/^\(SSH\) /, ""));
      else resolve(channel);
    });
  });
}

/**
 * Logs in over an open connection. The host key must be the pinned one, byte for byte: it is compared
 * before anything of ours is sent, and no other type of key is accepted.
 * @param anyType Accept an offer of any type, to be able to name the key that is there. It still must match.
 * @throws AttemptError
 */
export function logIn(sock: Duplex, hop: Hop, login: Login, anyType = false): Promise<Client> {
  const client = new ssh2.Client();
  const wanted = pinnedBlob(hop.hostKey);
  let offered: KeyName | undefined;
  let banner = "";
  return new Promise((resolve, reject) => {
    const fail = (error: Error & { level?: string; code?: string }) => {
      client.destroy();
      sock.destroy();
      const { message, code, level } = error;
      reject(
        new AttemptError({ stage: "handshake", message, level, code, pinned: pinned(hop), offered, banner }),
      );
    };
    client.once("ready", () => resolve(client));
    client.on("error", fail);
    client.once("close", () => fail(new Error("the connection was closed before the login was complete")));
    client.on("banner", (text) => {
      banner += text;
    });
    client.connect({
      sock: sock as never,
      username: hop.user,
      readyTimeout: handshakeMs,
      ...keepAlive,
      ...(anyType ? {} : { algorithms: { serverHostKey: algorithmsFor(pinned(hop).type) as never } }),
      hostVerifier: (key: Buffer) => {
        offered = keyName(key);
        return key.equals(wanted);
      },
      ...(login.by === "agent"
        ? { agent: login.socket, authHandler: ["agent"] as never }
        : { privateKey: login.privateKey, authHandler: ["publickey"] as never, ...passphraseOf(login) }),
    });
  });
}

function passphraseOf(login: Login): { passphrase?: string } {
  return login.by === "key" && login.passphrase !== undefined ? { passphrase: login.passphrase } : {};
}

/** The name of the host key that the stack pins. */
export function pinned(hop: Hop): KeyName {
  return keyName(pinnedBlob(hop.hostKey));
}

/** Runs a command to its end. @throws AttemptError when the connection goes away or it takes too long. */
export function run(client: Client, hop: Hop, command: string): Promise<{ code: number; err: string }> {
  return new Promise((resolve, reject) => {
    const fail = (message: string) =>
      reject(new AttemptError({ stage: "session", message, pinned: pinned(hop) }));
    const timer = setTimeout(() => fail(`no end of \`${command}\` in ${handshakeMs / 1000} s`), handshakeMs);
    client.once("close", () => fail("the connection was closed"));
    client.exec(command, (error, channel) => {
      if (error) return fail(error.message);
      let err = "";
      let code: number | undefined;
      channel.resume();
      channel.stderr.on("data", (data: Buffer) => {
        err += data.toString();
      });
      channel.on("exit", (status: number | null, signal?: string) => {
        code = codeOf(status, signal);
      });
      channel.on("close", () => {
        clearTimeout(timer);
        if (code === undefined) fail("the connection was closed");
        else resolve({ code, err });
      });
    });
  });
}
