import assert from "node:assert/strict";
import { test } from "node:test";
import { explain } from "../../ssh/explain.ts";
import { type Attempt, classify, classifySudo, type Failure, worthRetrying } from "../../ssh/failure.ts";
import { keyFailure } from "../../ssh/keys.ts";

const pinned = { type: "ssh-ed25519", fingerprint: "SHA256:pinned" };
const offered = { type: "ssh-ed25519", fingerprint: "SHA256:offered" };

const table: [string, Omit<Attempt, "pinned">, Failure["kind"], boolean][] = [
  ["refused", { stage: "tcp", code: "ECONNREFUSED", message: "connect ECONNREFUSED" }, "port-closed", true],
  ["unknown name", { stage: "tcp", code: "ENOTFOUND", message: "getaddrinfo" }, "name-unknown", false],
  ["silence", { stage: "tcp", code: "TIMEOUT", message: "no answer", answers: false }, "host-down", true],
  ["filtered", { stage: "tcp", code: "TIMEOUT", message: "no answer", answers: true }, "port-filtered", true],
  ["no route", { stage: "tcp", code: "EHOSTUNREACH", message: "connect" }, "host-down", true],
  [
    "rejected by a firewall as if there were no route",
    { stage: "tcp", code: "EHOSTUNREACH", message: "connect", answers: true },
    "port-filtered",
    true,
  ],
  [
    "bastion: refused",
    { stage: "forward", message: "Channel open failure: Connection refused" },
    "port-closed",
    true,
  ],
  [
    "bastion: no route",
    { stage: "forward", message: "Channel open failure: No route to host" },
    "host-down",
    true,
  ],
  [
    "bastion: time-out",
    { stage: "forward", message: "Channel open failure: Connection timed out", answers: true },
    "port-filtered",
    true,
  ],
  [
    "bastion: name",
    { stage: "forward", message: "Channel open failure: Name or service not known" },
    "name-unknown",
    false,
  ],
  [
    "bastion: forbidden",
    { stage: "forward", message: "Channel open failure: administratively prohibited" },
    "forward-refused",
    false,
  ],
  [
    "another key",
    { stage: "handshake", level: "handshake", message: "Host denied (verification failed)", offered },
    "host-key",
    false,
  ],
  [
    "another type of key",
    { stage: "handshake", level: "handshake", message: "Handshake failed: no matching host key format" },
    "host-key",
    false,
  ],
  [
    "login refused",
    {
      stage: "handshake",
      level: "client-authentication",
      message: "All configured authentication methods failed",
    },
    "login-refused",
    false,
  ],
  [
    "login refused while it boots",
    {
      stage: "handshake",
      level: "client-authentication",
      message: "All configured authentication methods failed",
      banner: "System is booting up. Unprivileged users are not permitted to log in yet.",
    },
    "starting",
    true,
  ],
  [
    "cut in the handshake",
    { stage: "handshake", level: "client-socket", code: "ECONNRESET", message: "read ECONNRESET" },
    "lost",
    true,
  ],
  [
    "no SSH server",
    { stage: "handshake", level: "protocol", message: "Invalid identification string" },
    "not-ssh",
    false,
  ],
  [
    "says nothing",
    { stage: "handshake", level: "client-timeout", message: "Timed out while waiting for handshake" },
    "not-ssh",
    false,
  ],
  ["cut in a command", { stage: "session", message: "the connection was closed" }, "lost", true],
];

for (const [name, attempt, kind, retry] of table) {
  test(`classify: ${name} is ${kind}`, () => {
    const failure = classify({ pinned, ...attempt });
    assert.equal(failure.kind, kind);
    assert.equal(worthRetrying(failure), retry);
  });
}

test("classify: a differing host key carries both fingerprints into the message", () => {
  const failure = classify({
    stage: "handshake",
    message: "Host denied (verification failed)",
    pinned,
    offered,
  });
  const hop = { host: "192.0.2.11", port: 22, user: "root", hostKey: "" };
  const message = explain(failure, { node: "kai-server", bastion: false, hop, waitedSeconds: 0 });
  assert.match(message, /^kai-server \(root@192\.0\.2\.11:22\): the host key differs/);
  assert.match(message, /found: {2}ssh-ed25519 SHA256:offered\n {2}wanted: ssh-ed25519 SHA256:pinned\n/);
});

const sudo: [string, number, string, Failure["kind"]][] = [
  ["a password", 1, "sudo: a password is required\n", "sudo-password"],
  ["a terminal", 1, "sudo: a terminal is required to read the password\n", "sudo-password"],
  ["no sudo", 127, "bash: line 1: sudo: command not found\n", "sudo-missing"],
  ["not allowed", 1, "Sorry, user kai is not allowed to execute '/usr/bin/true' as root\n", "sudo-refused"],
];
for (const [name, code, stderr, kind] of sudo) {
  test(`classifySudo: ${name} is ${kind}`, () => assert.equal(classifySudo(code, stderr).kind, kind));
}

const keys: [string, boolean, Failure["kind"]][] = [
  ["Encrypted private OpenSSH key detected, but no passphrase given", false, "key-encrypted"],
  ["OpenSSH key integrity check failed -- bad passphrase?", true, "passphrase"],
  ["Malformed OpenSSH private key. Bad passphrase?", true, "passphrase"],
  ["Unsupported key format", false, "key-unreadable"],
];
for (const [message, hasPassphrase, kind] of keys) {
  test(`keyFailure: "${message}" is ${kind}`, () =>
    assert.equal(keyFailure(message, hasPassphrase).kind, kind));
}
