import type { Failure } from "./failure.ts";
import type { KeyName } from "./keys.ts";
import type { Hop } from "./request.ts";

type Text = { what: string; found: string; wanted: string; next: string };

/** Who is meant: the node itself, or the bastion on the way to it. */
export type Place = { node: string; bastion: boolean; hop: Hop; waitedSeconds: number };

/** The message for a person: the node, what was found, what is wanted, the way on. Holds no secret. */
export function explain(failure: Failure, place: Place): string {
  const { node, bastion, hop } = place;
  const { what, found, wanted, next } = textOf(failure, place);
  const at = `${hop.user}@${hop.host}:${hop.port}`;
  const who = bastion ? `${node}: its bastion (${at})` : `${node} (${at})`;
  return [`${who}: ${what}`, `  found:  ${found}`, `  wanted: ${wanted}`, `  next:   ${next}`].join("\n");
}

function textOf(failure: Failure, place: Place): Text {
  const { host, port, user } = place.hop;
  const waited = place.waitedSeconds >= 1 ? ` (tried for ${Math.round(place.waitedSeconds)} s)` : "";
  const sshd = "an SSH server that answers";
  switch (failure.kind) {
    case "name-unknown":
      return {
        what: "its name cannot be resolved",
        found: failure.detail,
        wanted: `an address behind the name ${host}`,
        next: "correct `host`, give an address instead, or add the name to your DNS",
      };
    case "host-down":
      return {
        what: `the host is down: nothing answers${waited}`,
        found: `${failure.detail}, ${failure.heard}`,
        wanted: sshd,
        next: "switch the machine on and check its cable and `host`, then run again",
      };
    case "port-filtered":
      return {
        what: `port ${port} is filtered${waited}: the host answers a ping, but not on this port`,
        found: failure.detail,
        wanted: sshd,
        next: `allow TCP port ${port} in the machine's firewall, or correct \`port\``,
      };
    case "port-closed":
      return {
        what: `port ${port} is closed${waited}: the host answers, but no SSH server listens there`,
        found: failure.detail,
        wanted: sshd,
        next: "start sshd on the machine (`systemctl enable --now ssh`), or correct `port`",
      };
    case "not-ssh":
      return {
        what: `what answers on port ${port} does not complete an SSH handshake`,
        found: failure.detail,
        wanted: "an SSH 2 server such as OpenSSH",
        next: "correct `port`, or look at the SSH server's log on the machine",
      };
    case "starting":
      return {
        what: `the machine starts or shuts down and lets nobody in${waited}`,
        found: failure.detail,
        wanted: "a machine that has booted",
        next: "wait for it, then run again",
      };
    case "lost":
      return {
        what: `the connection was lost${waited}`,
        found: failure.detail,
        wanted: "a connection that holds",
        next: `check that port ${port} is the SSH server's, look at its log (\`journalctl -u ssh\`), then run again`,
      };
    case "forward-refused":
      return {
        what: "the bastion does not forward to it",
        found: failure.detail,
        wanted: `a TCP connection from the bastion to ${host}:${port}`,
        next: "set `AllowTcpForwarding yes` in the bastion's sshd_config, and check that it reaches the node",
      };
    case "host-key":
      return {
        what: "the host key differs from the pinned one; nothing was sent to this machine",
        found: failure.found ? nameOf(failure.found) : "a host key that it could not prove",
        wanted: nameOf(failure.pinned),
        next:
          "if the machine was reinstalled, read its new key on its own console " +
          "(`cat /etc/ssh/ssh_host_*_key.pub`) and put it into `hostKey`; if not, somebody else answers there",
      };
    case "no-login":
      return {
        what: "there is nothing to log in with",
        found: "no private key, and no SSH agent",
        wanted: "a private key or an agent that holds one",
        next: "run `pulumi config set --secret sshPrivateKey < KEYFILE`, or start an agent and `ssh-add` the key",
      };
    case "agent-down":
      return {
        what: "the SSH agent does not answer",
        found: `${failure.socket}: ${failure.detail}`,
        wanted: "a running SSH agent",
        next: 'start one (`eval "$(ssh-agent)"; ssh-add`), or set `sshPrivateKey`',
      };
    case "agent-empty":
      return {
        what: "the SSH agent holds no key",
        found: `${failure.socket}: no identities`,
        wanted: `a key that ${user} accepts`,
        next: "run `ssh-add KEYFILE`, or set `sshPrivateKey`",
      };
    case "key-encrypted":
      return {
        what: "the private key is encrypted, and there is no passphrase",
        found: "an encrypted private key",
        wanted: "its passphrase, or a key without one",
        next: "run `pulumi config set --secret sshPrivateKeyPassphrase`, or load the key into an agent",
      };
    case "passphrase":
      return {
        what: "the passphrase does not open the private key",
        found: "a passphrase that is wrong",
        wanted: "the passphrase of this private key",
        next: "run `pulumi config set --secret sshPrivateKeyPassphrase` again",
      };
    case "key-unreadable":
      return {
        what: "the private key cannot be read",
        found: failure.detail,
        wanted: "a whole private key in OpenSSH or PEM format, with its first and last line",
        next: "run `pulumi config set --secret sshPrivateKey < KEYFILE` again",
      };
    case "login-refused":
      return loginText("the login is refused", user, []);
    case "wrong-user":
      return {
        what: `wrong user: the key is accepted for ${failure.accepted.join(" and ")}, not for ${user}`,
        found: `${user} refuses ${failure.keys.map(nameOf).join(", ")}`,
        wanted: `a user that accepts it, such as ${failure.accepted[0]}`,
        next: `set \`user: ${failure.accepted[0]}\`, or add the public key to ~${user}/.ssh/authorized_keys`,
      };
    case "wrong-key":
      return loginText(
        `wrong key: ${failure.keys.map((k) => k.fingerprint).join(", ")} is not accepted for ${user}`,
        user,
        failure.tried,
      );
    case "sudo-password":
      return {
        what: `sudo asks ${user} for a password`,
        found: failure.detail,
        wanted: "sudo without a password, as every step runs by itself",
        next: `run \`visudo -f /etc/sudoers.d/${user}\` on the machine and add: ${user} ALL=(ALL) NOPASSWD: ALL`,
      };
    case "sudo-missing":
      return {
        what: `there is no sudo for ${user}`,
        found: failure.detail || "sudo: command not found",
        wanted: "sudo, or root as the user",
        next: "install the package sudo on the machine, or set `user: root`",
      };
    case "sudo-refused":
      return {
        what: `sudo refuses ${user}`,
        found: failure.detail,
        wanted: "`sudo -n true` to succeed",
        next: `run \`visudo -f /etc/sudoers.d/${user}\` on the machine and add: ${user} ALL=(ALL) NOPASSWD: ALL`,
      };
  }
}

function loginText(what: string, user: string, tried: string[]): Text {
  const others = tried.filter((name) => name !== user);
  return {
    what,
    found: `public key login refused for ${[user, ...others].join(", ")}`,
    wanted: `a key that is in ~${user}/.ssh/authorized_keys`,
    next: `add the public key there (\`ssh-copy-id\`), or give the key that is there as \`sshPrivateKey\``,
  };
}

function nameOf(key: KeyName): string {
  return `${key.type} ${key.fingerprint}`;
}
