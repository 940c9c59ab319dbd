/**
 * The CrossGuard pack: `pulumi preview --policy-pack policy`.
 * Importing this file starts the pack's server.
 * JavaScript, because Pulumi compiles a pack's TypeScript entry point by itself and does not take imports with `.ts`.
 */
import { PolicyPack } from "@pulumi/policy";
import { policies } from "./pack.ts";

new PolicyPack("homelab-k3s", { policies, enforcementLevel: "mandatory" });
