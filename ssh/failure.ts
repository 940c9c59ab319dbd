import { lastLine } from "./execute.ts";
import type { KeyName } from "./keys.ts";

/** Why a node cannot be reached: one kind for each thing that a person would do about it. */
export type Failure =
  | { kind: "name-unknown"; detail: string }
  | { kind: "host-down"; detail: string; heard: string }
  | { kind: "port-filtered"; detail: string }
  | { kind: "port-closed"; detail: string }
  | { kind: "not-ssh"; detail: string }
  | { kind: "starting"; detail: string }
  | { kind: "lost"; detail: string }
  | { kind: "forward-refused"; detail: string }
  | { kind: "host-key"; pinned: KeyName; found: KeyName | undefined }
  | { kind: "no-login" }
  | { kind: "agent-down"; socket: string; detail: string }
  | { kind: "agent-empty"; socket: string }
  | { kind: "key-encrypted" }
  | { kind: "passphrase" }
  | { kind: "key-unreadable"; detail: string }
  | { kind: "login-refused" }
  | { kind: "wrong-user"; keys: KeyName[]; accepted: string[] }
  | { kind: "wrong-key"; keys: KeyName[]; tried: string[] }
  | { kind: "sudo-password"; detail: string }
  | { kind: "sudo-missing"; detail: string }
  | { kind: "sudo-refused"; detail: string };

/** What was seen of an attempt that did not end in a session. */
export type Attempt = {
  /** How far it came: `forward` is the bastion's connection to the node. */
  stage: "tcp" | "forward" | "handshake" | "session";
  /** Node's or the resolver's error code, such as ECONNREFUSED; `TIMEOUT` when our own clock ran out. */
  code?: string | undefined;
  message: string;
  /** Where in the protocol ssh2 was. */
  level?: string | undefined;
  pinned: KeyName;
  /** The host key that the machine showed. */
  offered?: KeyName | undefined;
  /** Text that the SSH server showed before the login. */
  banner?: string | undefined;
  /** Whether the machine answers anything else; undefined when nobody asked, or nobody can tell. */
  answers?: boolean | undefined;
};

const silent = new Set(["TIMEOUT", "ETIMEDOUT", "EHOSTUNREACH", "ENETUNREACH", "EHOSTDOWN"]);

/** Names the failure behind an attempt. Pure. */
export function classify(attempt: Attempt): Failure {
  const { stage, level, message, pinned, offered } = attempt;
  const code = attempt.code ?? codeIn(message);
  const detail = message.trim();
  if (stage === "tcp" || stage === "forward") {
    if (code === "ECONNREFUSED") return { kind: "port-closed", detail };
    if (code === "ENOTFOUND" || code === "EAI_AGAIN") return { kind: "name-unknown", detail };
    if (silent.has(code ?? "")) return attempt.answers ? { kind: "port-filtered", detail } : down(attempt);
    return stage === "forward" ? { kind: "forward-refused", detail } : { kind: "lost", detail };
  }
  if (/Host denied|no matching host key format|does not match negotiated type/.test(message))
    return { kind: "host-key", pinned, found: offered };
  if (/signature verification failed/i.test(message)) return { kind: "host-key", pinned, found: undefined };
  if (/booting up|shutting down|going down|pam_nologin/i.test(attempt.banner ?? ""))
    return { kind: "starting", detail: (attempt.banner ?? "").trim().split("\n")[0] ?? "" };
  if (level === "client-authentication") return { kind: "login-refused" };
  if (stage === "session" || (level !== "client-timeout" && isCut(code, message)))
    return { kind: "lost", detail };
  return { kind: "not-ssh", detail };
}

function isCut(code: string | undefined, message: string): boolean {
  return code === "ECONNRESET" || code === "EPIPE" || /lost before handshake|closed/i.test(message);
}

function down({ message, answers }: Attempt): Failure {
  const heard =
    answers === undefined
      ? "and no `ping` here to tell a host that is down from a port that is filtered"
      : "and no answer to a ping";
  return { kind: "host-down", detail: message.trim(), heard };
}

/** The code behind the text that OpenSSH sends when it cannot forward a connection. */
function codeIn(message: string): string | undefined {
  if (/connection refused/i.test(message)) return "ECONNREFUSED";
  if (/no route to host/i.test(message)) return "EHOSTUNREACH";
  if (/network is unreachable/i.test(message)) return "ENETUNREACH";
  if (/timed out/i.test(message)) return "ETIMEDOUT";
  if (/not known|name resolution/i.test(message)) return "ENOTFOUND";
  return undefined;
}

const passing = new Set<Failure["kind"]>(["host-down", "port-filtered", "port-closed", "starting", "lost"]);

/** Whether waiting may help: the machine may be rebooting. Keys and users do not change by themselves. */
export function worthRetrying(failure: Failure): boolean {
  return passing.has(failure.kind);
}

/** The failure behind `sudo -n true` that did not succeed. Pure. */
export function classifySudo(code: number, stderr: string): Failure {
  const detail = lastLine(stderr);
  if (code === 127 || /command not found|sudo: not found/i.test(stderr))
    return { kind: "sudo-missing", detail };
  if (/password is required|a terminal is required/i.test(stderr)) return { kind: "sudo-password", detail };
  return { kind: "sudo-refused", detail: detail || `exit code ${code}` };
}
