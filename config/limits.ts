import { z } from "zod";
import { flag, whole } from "./grammar.ts";

/**
 * What is asked of machines and of the network between them: before anything is changed, and by `ops doctor`. A machine
 * that must do all the same gets its limit raised here, knowingly.
 */
export const limits = z.strictObject({
  /**
   * Milliseconds that a synced write may take on a server before it is warned about. etcd asks for 99 of 100 below 10.
   */
  diskSyncMs: whole(1, 10_000).default(10),
  /** Milliseconds above which a server is refused: its etcd would lose its lead under load. */
  diskSyncRefusedMs: whole(1, 10_000).default(100),
  /** Milliseconds between two servers: a wired LAN has less than 1, and 10 is where etcd's own advice for one ends. */
  roundTripMs: whole(1, 1_000).default(10),
  /** Milliseconds by which clocks may differ: etcd complains above 1000 (its `prober found high clock drift`). */
  clockMs: whole(10, 60_000).default(1_000),
  /** Whether a server may keep etcd on an SD card, which its writes wear out within months. */
  sdCards: flag.default(false),
});

export type Limits = z.output<typeof limits>;
