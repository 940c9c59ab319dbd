import { onInterrupt } from "../lab/interrupt.ts";

/** What a command says while it works: on standard error, so that its result can be piped. */
export interface Progress {
  /** One line that is drawn over the one before on a terminal, and appended elsewhere. */
  say(text: string): void;
  /** One line that stays, wherever it is read. */
  tell(text: string): void;
  /** The last line stays, and what comes next begins a new one. */
  done(): void;
}

/** Elsewhere than on a terminal, lines come no more often than that: milliseconds. */
const restMs = 2_000;

export function openProgress(stream: NodeJS.WriteStream = process.stderr): Progress {
  const live = stream.isTTY === true;
  let open = false;
  let said = Number.NEGATIVE_INFINITY;
  return {
    say(text) {
      if (live) stream.write(`\r\x1b[K${text}`);
      else if (performance.now() - said >= restMs) {
        said = performance.now();
        stream.write(`${text}\n`);
      }
      open = live;
    },
    tell(text) {
      stream.write(`${open ? "\r\x1b[K" : ""}${text}\n`);
      open = false;
    },
    done() {
      if (open) stream.write("\n");
      open = false;
    },
  };
}

/** Aborted at the first Ctrl-C; the second ends the process at once. */
export const interruptible = (): AbortSignal => onInterrupt((line) => process.stderr.write(`\n${line}\n`));
