import { readFileSync } from "node:fs";

/** What a virtual machine's processors did since the host started, in ticks. */
export type Ticks = { busy: number; stolen: number };

/** From the text of /proc/stat; see proc(5) for the order. Pure. */
export function ticksOf(text: string): Ticks {
  const [user = 0, nice = 0, system = 0, _idle, _iowait, irq = 0, softirq = 0, stolen = 0] = text
    .split("\n", 1)[0]!
    .trim()
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return { busy: user + nice + system + irq + softirq, stolen };
}

/**
 * Counts from now on; the result tells which part of the time that this machine wanted to compute in was taken by others
 * on the same hardware, in percent. A figure in seconds that was measured beside much of that is too high.
 */
export function watchStolen(): () => number {
  const read = () => ticksOf(readFileSync("/proc/stat", "utf8"));
  const before = read();
  return () => {
    const { busy, stolen } = read();
    const wanted = busy - before.busy + stolen - before.stolen;
    return wanted === 0 ? 0 : (100 * (stolen - before.stolen)) / wanted;
  };
}
