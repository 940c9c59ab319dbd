import type { Policies } from "@pulumi/policy";
import * as commands from "./commands.ts";
import * as connections from "./connections.ts";
import * as pods from "./pods.ts";
import * as releases from "./releases.ts";
import * as servers from "./servers.ts";

/** Every policy. */
export const policies: Policies = [connections, commands, releases, servers, pods].flatMap((group) =>
  Object.values(group),
);
