import { spawn } from "node:child_process";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "ssh2";
import { AttemptError, logIn, openForward, openTcp, run } from "./connect.ts";
import { explain } from "./explain.ts";
import { type Attempt, classify, classifySudo, type Failure, worthRetrying } from "./failure.ts";
import { loginOf } from "./keys.ts";
import { lanes } from "./lanes.ts";
import { type Hop, hops, type Request } from "./request.ts";

const retryMs = 2_000;

/**
 * Logins at the same time: each costs both sides a moment of computing, and a bastion's sshd drops some of those who
 * have not logged in yet when there are many (MaxStartups).
 */
const inLane = lanes(16);

/** A failure with the hop where it happened. */
class Stopped extends Error {
  readonly failure: Failure;
  readonly hop: Hop;
  constructor(failure: Failure, hop: Hop) {
    super(failure.kind);
    this.failure = failure;
    this.hop = hop;
  }
}

/** Ends the connections of one try, whatever came of it. */
type Cleanup = (() => void)[];

/** A login on a node that may become root there. */
export interface Session {
  readonly client: Client;
  readonly node: Hop;
  /** Ends it, and the bastion's. */
  end(): void;
}

/**
 * Logs in to a node as the stack says, through its bastion, and asks whether root can be had. Changes nothing.
 * @param say receives at most one line: that a machine is being waited for
 * @returns a session, which the caller ends
 * @throws Error with a message for a person.
 */
export async function openSession(request: Request, say: (line: string) => void): Promise<Session> {
  const { node, bastion } = hops(request);
  const began = Date.now();
  const waited = () => (Date.now() - began) / 1000;
  for (let told = false; ; told = true) {
    const cleanup: Cleanup = [];
    const end = () => {
      for (const close of cleanup.reverse()) close();
    };
    try {
      const client = await inLane(async () => {
        const loggedIn = await through(request.users, node, bastion, cleanup);
        await asRoot(loggedIn, node);
        return loggedIn;
      });
      return { client, node, end };
    } catch (error) {
      end();
      if (!(error instanceof Stopped)) throw error;
      const { failure, hop } = error;
      if (!worthRetrying(failure) || waited() + retryMs / 1000 > request.waitSeconds) {
        const place = { node: request.name, bastion: hop === bastion, hop, waitedSeconds: waited() };
        throw new Error(explain(failure, place), { cause: failure });
      }
      if (!told)
        say(
          `${request.name}: no answer yet from ${hop.host}:${hop.port}, waiting up to ${request.waitSeconds} s`,
        );
    }
    await sleep(retryMs);
  }
}

async function through(
  users: string[],
  node: Hop,
  bastion: Hop | undefined,
  cleanup: Cleanup,
): Promise<Client> {
  if (!bastion)
    return enter(
      node,
      users,
      () => openTcp(node),
      () => isUp(node.host),
      cleanup,
    );
  const jump = await enter(
    bastion,
    users,
    () => openTcp(bastion),
    () => isUp(bastion.host),
    cleanup,
  );
  const pingFromBastion = async () => {
    const { code } = await run(jump, bastion, `ping -c1 -W1 ${node.host}`);
    return code === 127 ? undefined : code === 0;
  };
  return enter(node, users, () => openForward(jump, node), pingFromBastion, cleanup);
}

/** Opens a session on one machine, or says exactly why there is none. @throws Stopped */
async function enter(
  hop: Hop,
  users: string[],
  open: () => ReturnType<typeof openTcp>,
  isUp: () => Promise<boolean | undefined>,
  cleanup: Cleanup,
): Promise<Client> {
  const found = await loginOf(hop);
  if ("kind" in found) throw new Stopped(found, hop);
  const login = found;
  const session = async (as: Hop, anyType = false) => {
    const client = await logIn(await open(), as, login, anyType);
    cleanup.push(() => client.end());
    return client;
  };
  try {
    return await session(hop);
  } catch (error) {
    if (!(error instanceof AttemptError)) throw error;
    throw new Stopped(await look(error.attempt), hop);
  }

  /** Looks closer at what went wrong, where that changes what a person would do. */
  async function look(attempt: Attempt): Promise<Failure> {
    const failure = classify(attempt);
    if (failure.kind === "host-down")
      return classify({ ...attempt, answers: await isUp().catch(() => undefined) });
    if (failure.kind === "host-key" && !failure.found) return { ...failure, found: await otherKey() };
    if (failure.kind === "login-refused") return whoIsAccepted();
    return failure;
  }

  /** The key that a machine shows when it may choose: it has none of the pinned type. */
  async function otherKey() {
    try {
      await session(hop, true);
    } catch (error) {
      if (error instanceof AttemptError) return error.attempt.offered;
    }
    return undefined;
  }

  /** SSH refuses a wrong user and a wrong key alike: the same key is offered to the users that the stack knows. */
  async function whoIsAccepted(): Promise<Failure> {
    const tried = [...new Set(["root", ...users])].filter((user) => user !== hop.user);
    const keys = login.by === "key" ? [login.key] : login.keys;
    const accepted: string[] = [];
    for (const user of tried) {
      const client = await session({ ...hop, user }).catch(() => undefined);
      if (client) accepted.push(user);
    }
    return accepted.length > 0 ? { kind: "wrong-user", keys, accepted } : { kind: "wrong-key", keys, tried };
  }
}

/** @throws Stopped unless the user is root or becomes root without a password. */
async function asRoot(client: Client, hop: Hop): Promise<void> {
  if (hop.user === "root") return;
  try {
    const { code, err } = await run(client, hop, "sudo -n true");
    if (code !== 0) throw new Stopped(classifySudo(code, err), hop);
  } catch (error) {
    throw error instanceof AttemptError ? new Stopped(classify(error.attempt), hop) : error;
  }
}

/** Ports where most machines at least refuse: that is an answer too, and Windows answers no ping. */
const otherPorts = [80, 443, 6443];
const answerMs = 1_000;

/** Whether a machine answers anything at all; undefined when it is silent and there is no `ping` to be sure. */
async function isUp(host: string): Promise<boolean | undefined> {
  const [pinged, ...refused] = await Promise.all([
    ping(host),
    ...otherPorts.map((port) => answersOn(host, port)),
  ]);
  return refused.includes(true) ? true : pinged;
}

function ping(host: string): Promise<boolean | undefined> {
  return new Promise((resolve) => {
    const child = spawn("ping", ["-c1", "-W1", host], { stdio: "ignore" });
    child.once("error", () => resolve(undefined));
    child.once("exit", (code) => resolve(code === 0));
  });
}

function answersOn(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: answerMs });
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("connect", () => end(true));
    socket.once("timeout", () => end(false));
    socket.once("error", (error: NodeJS.ErrnoException) => end(error.code === "ECONNREFUSED"));
  });
}
