import { openSession, type Session } from "./probe.ts";
import type { Request } from "./request.ts";

/** Some of several machines cannot be reached. The message explains each, one a line or more. */
export class UnreachedError extends Error {
  /** In the order of the requests. */
  readonly names: readonly string[];
  constructor(names: readonly string[], reasons: readonly string[]) {
    super(reasons.join("\n"));
    this.names = names;
  }
}

/**
 * Does something with several machines at the same time.
 * @returns what came of each, in the order of the requests
 * @throws UnreachedError once it has ended, well or not, for every machine
 */
export async function allReached<T>(
  requests: readonly Request[],
  work: (request: Request) => Promise<T>,
): Promise<T[]> {
  const settled = await Promise.allSettled(requests.map(work));
  const away = requests.filter((_, index) => settled[index]!.status === "rejected");
  if (away.length === 0) return settled.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  throw new UnreachedError(
    away.map(({ name }) => name),
    settled.flatMap((one) => (one.status === "rejected" ? [one.reason.message] : [])),
  );
}

/**
 * Logs in to several machines at the same time, as `openSession` does, and ends all sessions whatever came of it.
 * @param say Receives at most one line a machine: that it is being waited for.
 * @param use Gets the sessions in the order of the requests, once all machines are reached.
 * @throws UnreachedError once every machine has answered or been given up; what `use` throws
 */
export async function withSessions<T>(
  requests: readonly Request[],
  say: (line: string) => void,
  use: (sessions: readonly Session[]) => Promise<T>,
): Promise<T> {
  const open: Session[] = []; // as they come: also those beside one that is never reached
  try {
    const sessions = await allReached(requests, async (request) => {
      const session = await openSession(request, say);
      open.push(session);
      return session;
    });
    return await use(sessions);
  } finally {
    for (const session of open) session.end();
  }
}
