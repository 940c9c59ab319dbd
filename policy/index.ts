/** The CrossGuard pack: `pulumi preview --policy-pack policy`. Importing this file starts the pack's server. */
import { PolicyPack } from "@pulumi/policy";
import { policies } from "./pack.ts";

new PolicyPack("homelab-k3s", { policies, enforcementLevel: "mandatory" });
