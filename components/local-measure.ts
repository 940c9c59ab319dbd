/**
 * `node components/local-measure.ts`: measures machines and the network between them, as standard input says (see
 * `measureInput`). One line of JSON on standard output and exit code 0, or an explanation on standard error and 1.
 */
import { text } from "node:stream/consumers";
import { addressAnswers } from "./address-answers.ts";
import { type MeasureResult, measureAll, measureInput } from "./measuring.ts";

try {
  const input = measureInput.parse(JSON.parse(await text(process.stdin)));
  const { vip, machines } = input;
  const [vipAnswers, { warnings }] = await Promise.all([
    vip === null ? false : addressAnswers(vip),
    measureAll(input),
  ]);
  for (const warning of warnings) console.error(`warning: ${warning}`);
  const result: MeasureResult = { measured: machines.length, vipAnswers };
  console.log(JSON.stringify(result));
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
