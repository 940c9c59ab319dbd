import type { ClientChannel } from "ssh2";
import type { Session } from "./probe.ts";

/** How a command ended on a node; a null code is a connection that was cut, or a signal. */
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
    const { code, complaint } = await Promise.race([ended, stopped.promise]);
    return { code, stdout: Buffer.concat(out).toString("utf8"), stderr: complaint };
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

/** A command that runs, and how it will have ended; a null code is a connection that was cut, or a signal. */
export interface Running {
  readonly channel: ClientChannel;
  readonly ended: Promise<{ code: number | null; complaint: string }>;
}

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
    const closed = () => reject(new Error("the connection was closed"));
    client.once("close", closed);
    client.exec(command, (error, channel) => {
      client.off("close", closed);
      if (error) return reject(error);
      if (onLine) eachLine(channel.stderr, onLine);
      let complaint = "";
      let code: number | null = null;
      channel.stderr.on("data", (data: Buffer) => {
        // its end tells why; a node that never stops must not fill this machine's memory
        complaint = (complaint + data).slice(-65_536);
      });
      channel.once("exit", (status: number | null) => {
        code = status;
      });
      const ended = new Promise<{ code: number | null; complaint: string }>((settle) => {
        channel.once("close", () => settle({ code, complaint }));
      });
      resolve({ channel, ended });
    });
  });
}
