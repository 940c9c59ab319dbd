import { createHash } from "node:crypto";
import ssh2 from "ssh2";
import type { Failure } from "./failure.ts";
import type { Hop } from "./request.ts";

/** A public key as people compare it. */
export type KeyName = { type: string; fingerprint: string };

/** The key type and OpenSSH fingerprint of a public key in wire format. */
export function keyName(blob: Buffer): KeyName {
  const length = blob.readUInt32BE(0);
  const type = blob.toString("latin1", 4, 4 + length);
  const digest = createHash("sha256").update(blob).digest("base64").replace(/=+$/, "");
  return { type, fingerprint: `SHA256:${digest}` };
}

/** A pinned host key (`TYPE BASE64 [comment]`) in wire format. */
export function pinnedBlob(hostKey: string): Buffer {
  return Buffer.from(hostKey.split(" ")[1] ?? "", "base64");
}

/** The host key algorithms that prove a key of this type: RSA keys sign with SHA-2 only. */
export function algorithmsFor(type: string): string[] {
  return type === "ssh-rsa" ? ["rsa-sha2-512", "rsa-sha2-256"] : [type];
}

/** What to offer a server: a private key, or everything that an agent holds. */
export type Login =
  | { by: "key"; privateKey: string; passphrase?: string; key: KeyName }
  | { by: "agent"; socket: string; keys: KeyName[] };

/** Finds out, before any connection, whether there is something to log in with. */
export async function loginOf(hop: Hop): Promise<Login | Failure> {
  if (hop.privateKey) return readKey(hop.privateKey, hop.passphrase);
  const socket = hop.agentSocket || process.env.SSH_AUTH_SOCK;
  if (!socket) return { kind: "no-login" };
  try {
    const keys = await identities(socket);
    return keys.length > 0 ? { by: "agent", socket, keys } : { kind: "agent-empty", socket };
  } catch (error) {
    return { kind: "agent-down", socket, detail: (error as Error).message };
  }
}

function readKey(privateKey: string, passphrase: string | undefined): Login | Failure {
  const parsed = ssh2.utils.parseKey(privateKey, passphrase);
  if (parsed instanceof Error) return keyFailure(parsed.message, passphrase !== undefined);
  if (!parsed.isPrivateKey()) return { kind: "key-unreadable", detail: "it is a public key" };
  const key = keyName(parsed.getPublicSSH());
  return { by: "key", privateKey, key, ...(passphrase === undefined ? {} : { passphrase }) };
}

/** The failure behind what ssh2 says of a private key. */
export function keyFailure(message: string, hasPassphrase: boolean): Failure {
  if (/no passphrase given/i.test(message)) return { kind: "key-encrypted" };
  if (hasPassphrase && /bad passphrase|integrity check|malformed/i.test(message))
    return { kind: "passphrase" };
  return { kind: "key-unreadable", detail: message };
}

function identities(socket: string): Promise<KeyName[]> {
  return new Promise((resolve, reject) => {
    ssh2.createAgent(socket).getIdentities((error, keys) => {
      if (error) return reject(error);
      resolve((keys ?? []).map((key) => keyName(publicBlob(key))));
    });
  });
}

/** Agents hand out parsed keys; the type also allows raw and wrapped ones. */
function publicBlob(key: unknown): Buffer {
  if (Buffer.isBuffer(key)) return key;
  const parsed = ssh2.utils.parseKey(key as string);
  if (parsed instanceof Error) throw parsed;
  return parsed.getPublicSSH();
}
