/**
 * Builds what the lab tests stand on, before the first of them: a test's time is its own, and on a new machine the
 * builds take a quarter of an hour.
 */
import { Board } from "../lab/board.ts";
import { prepare } from "../lab/prepare.ts";
import { buildS3 } from "../lab/s3.ts";

console.log("machines, Pulumi, the k3s stand-in and an S3 server; on a new machine this takes a while");
const prepared = await prepare({ instance: "test-prepare", servers: 1, agents: 0 }, new Board(), () => 0);
await prepared.close();
await prepared.lab.down();
await buildS3((message) => console.log(message));
