import type { ResourceValidationPolicy, StackValidationPolicy } from "@pulumi/policy";
import { exactVersion } from "../config/version.ts";
import { detailsUnknown, flagOf, installs, isLost, verbOf } from "./steps.ts";

export const versionsExact: ResourceValidationPolicy = {
  name: "versions-exact",
  description: "A node gets an exact release of k3s.",
  enforcementLevel: "mandatory",
  validateResource: (subject, report) => {
    if (!installs(subject)) return;
    const version = flagOf(subject, "version");
    if (!exactVersion.test(version ?? "")) {
      report(`--version is ${version ?? "missing"}. Give an exact release such as v1.34.2+k3s1.`);
    }
  },
};

export const checksumsGiven: ResourceValidationPolicy = {
  name: "checksums-given",
  description: "A node knows the sha256 of the binary it must run.",
  enforcementLevel: "mandatory",
  validateResource: (subject, report) => {
    // what fetches the binary is known in every preview; k3s' own step may wait for a token
    if (!(installs(subject) || verbOf(subject) === "fetch") || detailsUnknown(subject)) return;
    const sums = ["amd64", "arm64"].map((arch) => flagOf(subject, `sha256-${arch}`)).filter(Boolean);
    if (sums.length === 0 || !sums.every((sum) => /^[0-9a-f]{64}$/.test(sum!))) {
      report(
        "no sha256 of the binary is given. Pin the release in config/releases.ts or in the stack's checksums.",
      );
    }
  },
};

export const oneVersion: StackValidationPolicy = {
  name: "one-version",
  description: "All nodes of a cluster get the same release, but for those that are lost.",
  enforcementLevel: "mandatory",
  validateStack: ({ resources }, report) => {
    const steps = resources.filter((resource) => installs(resource) && !isLost(resource));
    const versions = [...new Set(steps.map((step) => flagOf(step, "version") ?? "none"))];
    if (versions.length > 1) report(`nodes get different releases: ${versions.sort().join(", ")}.`);
  },
};
