import type { ResourceValidationPolicy } from "@pulumi/policy";
import { commandsOf, remoteCommand } from "./steps.ts";

export const updatesGiven: ResourceValidationPolicy = {
  name: "updates-given",
  description: "A remote command says what an update does.",
  enforcementLevel: "mandatory",
  validateResource: ({ type, props }, report) => {
    if (type === remoteCommand && props.create !== undefined && props.update === undefined) {
      report("update is missing: any changed input would run create again.");
    }
  },
};

export const noTriggers: ResourceValidationPolicy = {
  name: "no-triggers",
  description: "Nothing triggers the replacement of a remote command.",
  enforcementLevel: "mandatory",
  validateResource: ({ type, props }, report) => {
    if (type === remoteCommand && Array.isArray(props.triggers) && props.triggers.length > 0) {
      report(
        "triggers replace the resource: k3s would be installed and then uninstalled. Change an input instead.",
      );
    }
  },
};

export const deletesComeFirst: ResourceValidationPolicy = {
  name: "deletes-come-first",
  description: "What has a way back is taken back before it is made anew.",
  enforcementLevel: "mandatory",
  validateResource: ({ type, props, opts }, report) => {
    if (type === remoteCommand && props.delete !== undefined && !opts.deleteBeforeReplace) {
      report(
        "delete is given without deleteBeforeReplace: a replacement would be made first and then removed.",
      );
    }
  },
};

export const outputsSecret: ResourceValidationPolicy = {
  name: "outputs-secret",
  description: "What a node prints is a secret output, and its standard output is not logged.",
  enforcementLevel: "mandatory",
  validateResource: ({ type, props, opts }, report) => {
    if (type !== remoteCommand) return;
    for (const output of ["stdout", "stderr"]) {
      if (!opts.additionalSecretOutputs.includes(output)) {
        report(`${output} is not in additionalSecretOutputs: the secrecy of inputs does not reach it.`);
      }
    }
    if (props.logging !== "stderr" && props.logging !== "none") {
      report('logging lets standard output into the log. Set it to "stderr" or "none".');
    }
  },
};

/** What secrets look like that must never stand in a command: tokens of k3s, private keys, long random words. */
const secretLike: readonly (readonly [what: string, pattern: RegExp])[] = [
  ["a k3s token", /K10[0-9a-f]{16,}/],
  ["a private key", /PRIVATE KEY/],
  ["a password", /--(?:token|agent-token|password)[ =]/],
  ["a long random word", /(?<![A-Za-z0-9/+])(?=[A-Za-z0-9]*[A-Z])(?=[A-Za-z0-9]*[0-9])[A-Za-z0-9]{40,}/],
];

export const noSecretInCommands: ResourceValidationPolicy = {
  name: "no-secret-in-commands",
  description: "Secrets travel on standard input: a failing command is shown with its whole text.",
  enforcementLevel: "mandatory",
  validateResource: (subject, report) => {
    for (const [property, line] of commandsOf(subject)) {
      const found = secretLike.find(([, pattern]) => pattern.test(line));
      if (found) report(`${property} contains ${found[0]}. Send it on standard input.`);
    }
  },
};

export const noEnvironment: ResourceValidationPolicy = {
  name: "no-environment",
  description: "Remote commands take nothing from the environment.",
  enforcementLevel: "mandatory",
  validateResource: ({ type, props }, report) => {
    if (type !== remoteCommand) return;
    if (props.environment !== undefined)
      report("environment needs AcceptEnv on the node. Use standard input.");
    if (props.addPreviousOutputInEnv !== false) {
      report("addPreviousOutputInEnv is not false: each update would warn that sshd refuses the variables.");
    }
  },
};

export const stepsBounded: ResourceValidationPolicy = {
  name: "steps-bounded",
  description: "Every remote command ends within a known time.",
  enforcementLevel: "mandatory",
  validateResource: ({ type, opts }, report) => {
    if (type !== remoteCommand) return;
    const { createSeconds, updateSeconds } = opts.customTimeouts;
    if (!createSeconds || !updateSeconds) report("customTimeouts lacks create or update. Bound the step.");
  },
};
