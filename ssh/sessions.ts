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
  const settled = await Promise.allSettled(requests.map((request) => openSession(request, say)));
  const sessions = settled.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  try {
    const away = requests.filter((_, index) => settled[index]!.status === "rejected");
    if (away.length > 0)
      throw new UnreachedError(
        away.map(({ name }) => name),
        settled.flatMap((one) => (one.status === "rejected" ? [one.reason.message] : [])),
      );
    return await use(sessions);
  } finally {
    for (const session of sessions) session.end();
  }
}
