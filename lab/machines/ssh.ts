import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import ssh2 from "ssh2";

export interface ExecOptions {
  /** Written to the command's standard input, which is closed either way. */
  stdin?: string | Buffer;
  /** The connection is closed, and the call fails, when it takes longer. Milliseconds; default 60000. */
  timeoutMs?: number;
  /** Default root. */
  user?: string;
}

export interface ExecResult {
  /** The exit code; -1 when a signal ended the command. */
  code: number;
  stdout: string;
  stderr: string;
}

export interface SshTarget {
  name: string;
  address: string;
  /** Pinned: a machine that shows another key is not talked to. */
  hostKey: string;
  privateKey: string;
}

interface Connection {
  client: ssh2.Client;
  socket: Socket;
  /** Commands that run over it now. */
  busy: number;
}

/** Runs commands on one machine over ssh; one connection a user, kept and used again, that never keeps the program alive. */
export class SshSession {
  readonly #target: SshTarget;
  readonly #connections = new Map<string, Promise<Connection>>();

  constructor(target: SshTarget) {
    this.#target = target;
  }

  /** @throws when the machine cannot be reached, shows another host key, or the command takes too long; not on its exit code. */
  async exec(command: string, options: ExecOptions = {}): Promise<ExecResult> {
    const { user = "root", timeoutMs = 60_000 } = options;
    const failure = (what: string) => new Error(`${this.#target.name}: ${what}: ${command}`);
    const connection = await this.#connection(user, timeoutMs);
    connection.busy++;
    connection.socket.ref();
    try {
      return await new Promise<ExecResult>((resolve, reject) => {
        const timer = setTimeout(() => {
          this.#forget(user, connection);
          reject(failure(`no end after ${timeoutMs / 1000} s`));
        }, timeoutMs);
        const settle = () => {
          clearTimeout(timer);
          connection.client.removeListener("close", lost);
        };
        const lost = () => {
          settle();
          reject(failure("connection lost during"));
        };
        connection.client.once("close", lost);
        connection.client.exec(command, (error, stream) => {
          if (error) {
            settle();
            return reject(failure(error.message));
          }
          const out: Buffer[] = [];
          const err: Buffer[] = [];
          let code: number | undefined;
          stream.on("data", (chunk: Buffer) => out.push(chunk));
          stream.stderr.on("data", (chunk: Buffer) => err.push(chunk));
          stream.on("exit", (value: number | null) => {
            code = value ?? -1;
          });
          stream.on("close", () => {
            if (code === undefined) return lost();
            settle();
            const text = (chunks: Buffer[]) => Buffer.concat(chunks).toString("utf8");
            resolve({ code, stdout: text(out), stderr: text(err) });
          });
          stream.end(options.stdin);
        });
      });
    } finally {
      connection.busy--;
      if (connection.busy === 0) connection.socket.unref();
    }
  }

  /**
   * Returns when root can log in. Polls every 50 ms.
   * @throws after `timeoutMs` with the last reason, or at once when the host key is not the pinned one
   */
  async wait(timeoutMs: number): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      try {
        await this.#connection("root", Math.max(1, deadline - Date.now()));
        return;
      } catch (error) {
        if (error instanceof HostKeyError) throw error;
        if (Date.now() > deadline) {
          throw new Error(
            `${this.#target.name}: no ssh on ${this.#target.address} after ${timeoutMs / 1000} s: ${(error as Error).message}`,
          );
        }
        await sleep(50);
      }
    }
  }

  /** Drops all connections at once, as a power cut does. */
  drop(): void {
    for (const connection of this.#connections.values()) {
      connection.then(
        ({ socket }) => socket.destroy(),
        () => {},
      );
    }
    this.#connections.clear();
  }

  #connection(user: string, timeoutMs: number): Promise<Connection> {
    const known = this.#connections.get(user);
    if (known !== undefined) return known;
    const made = this.#connect(user, timeoutMs);
    this.#connections.set(user, made);
    made.then(
      ({ client }) =>
        client.once("close", () => this.#connections.get(user) === made && this.#connections.delete(user)),
      () => this.#connections.get(user) === made && this.#connections.delete(user),
    );
    return made;
  }

  async #connect(username: string, timeoutMs: number): Promise<Connection> {
    const { name, address, hostKey, privateKey } = this.#target;
    // A SYN that waits for ARP, or is dropped by a dead machine, is better sent anew.
    const socket = await connectTcp(address, Math.min(timeoutMs, 1000));
    return await new Promise((resolve, reject) => {
      const client = new ssh2.Client();
      let wrongKey: HostKeyError | undefined;
      client.once("ready", () => {
        client.removeAllListeners("error").on("error", () => {}); // `close` follows, and says all there is to say
        socket.unref();
        resolve({ client, socket, busy: 0 });
      });
      client.once("error", (error) => {
        socket.destroy();
        reject(wrongKey ?? new Error(`${name}: ssh to ${username}@${address}: ${error.message}`));
      });
      client.connect({
        sock: socket,
        username,
        privateKey,
        readyTimeout: Math.min(timeoutMs, 10_000),
        algorithms: { serverHostKey: ["ssh-ed25519"] },
        hostVerifier: (key: Buffer) => {
          const shown = `ssh-ed25519 ${key.toString("base64")}`;
          if (shown === hostKey) return true;
          wrongKey = new HostKeyError(`${name}: host key of ${address}: found ${shown}, want ${hostKey}`);
          return false;
        },
      });
    });
  }

  #forget(user: string, connection: Connection): void {
    this.#connections.delete(user);
    connection.socket.destroy();
  }
}

/** The machine is not the one it should be: waiting does not help. */
class HostKeyError extends Error {}

function connectTcp(address: string, timeoutMs: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: address, port: 22, noDelay: true });
    const timer = setTimeout(
      () => socket.destroy(new Error(`connect to ${address}:22: no answer`)),
      timeoutMs,
    );
    socket.once("connect", () => {
      clearTimeout(timer);
      socket.removeAllListeners("error");
      resolve(socket);
    });
    socket.once("error", (error) => {
      clearTimeout(timer);
      reject(error);
    });
  });
}
