import type { z } from "zod";
import { aboutNode } from "../components/run-verb.ts";
import { connectionLost, reasonOf } from "../ssh/execute.ts";
import type { Ran } from "./remote.ts";

/** A verb of `k3s-node` refused, or failed and undid what it did; the message is what the node said. */
export class VerbError extends Error {
  readonly refused: boolean;
  constructor(ran: Ran) {
    super(complaintOf(ran));
    this.refused = ran.reached && ran.code === 3;
  }
}

/**
 * The one line of JSON with which a verb answers.
 * @throws VerbError when it did not come to its end
 */
export function answerOf<Shape extends z.ZodType>(ran: Ran, shape: Shape): z.output<Shape> {
  if (!ran.reached || ran.code !== 0) throw new VerbError(ran);
  return shape.parse(JSON.parse(ran.stdout));
}

/** The last thing a verb complained of, without the time before it: `server-2: etcd here does not answer`. */
function complaintOf(ran: Ran): string {
  if (!ran.reached) return ran.problem;
  if (ran.code === null) return aboutNode(ran.node, new Error(connectionLost));
  const lines = ran.stderr.trim().split("\n");
  const line = lines.findLast((one) => /: (error|refused): /.test(one)) ?? lines.at(-1) ?? "";
  const text = line.replace(/^\d\d:\d\d:\d\d /, "").replace(/: (error|refused): /, ": ");
  return text || aboutNode(ran.node, new Error(reasonOf(ran)));
}
