/** Thrown where work stops because somebody pressed Ctrl-C. */
export class Interrupted extends Error {
  constructor() {
    super("interrupted");
  }
}

const exitCode = 130;

/**
 * Turns the first Ctrl-C into an abort, for what runs to end in an orderly way, and the second into the end of the process.
 * @param say Told what is being waited for.
 */
export function onInterrupt(say: (line: string) => void): AbortSignal {
  const controller = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(exitCode);
      say("Stopping. Steps that run on a node come to their end; once more ends this at once.");
      controller.abort(new Interrupted());
    });
  }
  return controller.signal;
}

/** Waits for work, but no longer than until an interrupt. For work that the next run takes up where it stands. */
export async function unlessInterrupted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  if (signal.aborted) throw new Interrupted();
  let stop!: () => void;
  const interrupted = new Promise<never>((_, reject) => {
    stop = () => reject(new Interrupted());
    signal.addEventListener("abort", stop, { once: true });
  });
  try {
    return await Promise.race([work, interrupted]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
