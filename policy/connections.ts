import type { ResourceValidationPolicy } from "@pulumi/policy";
import { copyToRemote, mapping, remoteCommand } from "./steps.ts";

const connects = (type: string) => type === remoteCommand || type === copyToRemote;

export const hostKeysPinned: ResourceValidationPolicy = {
  name: "host-keys-pinned",
  description: "Every SSH connection knows the host key it expects, at the bastion too.",
  enforcementLevel: "mandatory",
  validateResource: ({ type, props }, report) => {
    if (!connects(type)) return;
    const connection = mapping(props.connection);
    if (!connection.hostKey)
      report("connection.hostKey is missing: any host would be believed. Pin the node's key.");
    if (connection.proxy && !mapping(connection.proxy).hostKey) {
      report("connection.proxy.hostKey is missing: any bastion would be believed. Pin the bastion's key.");
    }
  },
};

/** An unknown field makes the provider print the whole connection, private key included (pulumi-command#773). */
const fields = [
  "host",
  "port",
  "user",
  "hostKey",
  "privateKey",
  "privateKeyPassword",
  "dialErrorLimit",
  "perDialTimeout",
  "proxy",
];

export const connectionFieldsKnown: ResourceValidationPolicy = {
  name: "connection-fields-known",
  description: "A connection has only fields that the provider knows, and never a password.",
  enforcementLevel: "mandatory",
  validateResource: ({ type, props }, report) => {
    if (!connects(type)) return;
    for (const [where, connection] of [
      ["connection", mapping(props.connection)],
      ["connection.proxy", mapping(mapping(props.connection).proxy)],
    ] as const) {
      for (const field of Object.keys(connection).filter((key) => !fields.includes(key))) {
        report(
          `${where}.${field} is not a field this program uses: the provider would print the private key.`,
        );
      }
    }
  },
};

export const dialsBounded: ResourceValidationPolicy = {
  name: "dials-bounded",
  description: "A node that does not answer fails the run instead of holding it.",
  enforcementLevel: "mandatory",
  validateResource: ({ type, props }, report) => {
    if (!connects(type)) return;
    const limit = mapping(props.connection).dialErrorLimit;
    if (typeof limit !== "number" || limit < 0) {
      report("connection.dialErrorLimit is missing or unlimited. Give the number of attempts.");
    }
  },
};
