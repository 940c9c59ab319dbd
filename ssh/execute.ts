import { constants } from "node:os";
import type { ClientChannel } from "ssh2";
import type { Session } from "./probe.ts";

/** How a command ended on a node; a null code is a connection that was lost before it did. */
export interface Executed {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ExecuteOptions {
  readonly stdin?: string;
  /** Milliseconds until it is given up. */
  readonly timeoutMs: number;
  /** Receives standard error line by line, while it comes. */
  readonly onLine?: (line: string) => void;
}

/** Why a command failed, in its own words: the last line of its standard error; empty when it said nothing. Pure. */
export const lastLine = (stderr: string): string => stderr.trim().split("\n").at(-1) ?? "";

/** A connection that ended before the command did. */
export const connectionLost =
  "the connection to it was lost: it went off or restarted, or the network between did. See that it is on and answers to ssh, then run again";

/**
 * Why a command did not succeed: the connection was lost, else its own last words, else its exit code. Pure.
 * @param what the command, as a sentence begins with it
 */
export function reasonOf({ code, stderr }: Pick<Executed, "code" | "stderr">, what = "it"): string {
  if (code === null) return connectionLost;
  return lastLine(stderr) || `${what} ended with exit code ${code}`;
}

/** A node that never stops talking must not fill this machine's memory: bytes of output that are read at most. */
const mostOutput = 8 * 1024 * 1024;

/**
 * Ends a command that takes too long or says too much.
 * @param timeoutMs milliseconds until it is given up
 * @param onStop told why, before the channel is closed
 * @returns to be called when the command has ended
 */
export function bound(
  channel: ClientChannel,
  timeoutMs: number,
  onStop: (reason: string) => void,
): () => void {
  const stop = (reason: string) => {
    onStop(reason);
    channel.destroy();
  };
  const timer = setTimeout(() => stop(`it did not end within ${timeoutMs / 1000} s`), timeoutMs);
  let bytes = 0;
  channel.on("data", (data: Buffer) => {
    bytes += data.length;
    if (bytes > mostOutput) stop(`it put out more than ${mostOutput} bytes`);
  });
  return () => clearTimeout(timer);
}

/**
 * Runs a command on a node to its end.
 * @throws Error when the connection goes away before it began, when it takes too long or says too much
 */
export async function execute(
  session: Session,
  command: string,
  { stdin = "", timeoutMs, onLine }: ExecuteOptions,
): Promise<Executed> {
  const { channel, ended } = await start(session, command, onLine);
  const out: Buffer[] = [];
  const stopped = Promise.withResolvers<never>();
  const release = bound(channel, timeoutMs, (reason) => stopped.reject(new Error(reason)));
  channel.on("data", (data: Buffer) => out.push(data));
  channel.end(stdin);
  try {
    const { code, stderr } = await Promise.race([ended, stopped.promise]);
    return { code, stdout: Buffer.concat(out).toString("utf8"), stderr };
  } finally {
    release();
  }
}

function eachLine(stream: NodeJS.ReadableStream, onLine: (line: string) => void): void {
  let rest = "";
  stream.on("data", (data: Buffer) => {
    const lines = (rest + data.toString("utf8")).split("\n");
    rest = lines.pop()!.slice(-4096);
    for (const line of lines) onLine(line);
  });
}

/** A command that runs, and how it will have ended. */
export interface Running {
  readonly channel: ClientChannel;
  readonly ended: Promise<Pick<Executed, "code" | "stderr">>;
}

/** A signal counts as a shell counts it: 137 for SIGKILL. */
export const codeOf = (status: number | null, signal = ""): number =>
  status ?? 128 + (constants.signals[signal as NodeJS.Signals] ?? 0);

/**
 * Starts a command. Who listens for its end, or for what it complains of, must do so before the next packet is read:
 * answer, output and end of a short command can come in one.
 * @param onLine receives standard error line by line
 */
export function start(
  { client }: Session,
  command: string,
  onLine?: (line: string) => void,
): Promise<Running> {
  return new Promise((resolve, reject) => {
    const closed = () => reject(new Error(connectionLost));
    client.once("close", closed);
    client.exec(command, (error, channel) => {
      client.off("close", closed);
      if (error) return reject(error);
      if (onLine) eachLine(channel.stderr, onLine);
      let stderr = "";
      let code: number | null = null;
      channel.stderr.on("data", (data: Buffer) => {
        // its end tells why; a node that never stops must not fill this machine's memory
        stderr = (stderr + data).slice(-65_536);
      });
      channel.once("exit", (status: number | null, signal?: string) => {
        code = codeOf(status, signal);
      });
      const ended = new Promise<Pick<Executed, "code" | "stderr">>((settle) => {
        channel.once("close", () => settle({ code, stderr }));
      });
      resolve({ channel, ended });
    });
  });
}
