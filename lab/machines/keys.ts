import { readFile, writeFile } from "node:fs/promises";
import ssh2 from "ssh2";

/** A pair of ed25519 keys: the private one in OpenSSH's own format, the public one as `ssh-ed25519 AAAA...`. */
export interface KeyPair {
  privateKey: string;
  publicKey: string;
}

/**
 * Makes a pair that can be used: of some 300 that ssh2 makes one is damaged (the public half begins with a zero byte, which
 * it drops), and neither ssh2 nor OpenSSH reads it. A machine with such a host key has no sshd.
 * @param passphrase encrypts the private key
 */
export function makeKeyPair(passphrase?: string): KeyPair {
  const { generateKeyPairSync } = ssh2.utils;
  for (;;) {
    const pair =
      passphrase === undefined
        ? generateKeyPairSync("ed25519")
        : generateKeyPairSync("ed25519", { cipher: "aes256-cbc", passphrase, rounds: 1 });
    if (!(ssh2.utils.parseKey(pair.private, passphrase) instanceof Error))
      return { privateKey: pair.private, publicKey: pair.public.trim() };
  }
}

/** Reads the pair in `file` and `file.pub`; makes it when it is missing. The private key is for its owner only. */
export async function ensureKeyPair(file: string): Promise<KeyPair> {
  try {
    const [privateKey, publicKey] = await Promise.all([
      readFile(file, "utf8"),
      readFile(`${file}.pub`, "utf8"),
    ]);
    return { privateKey, publicKey: publicKey.trim() };
  } catch {
    return await writeKeyPair(file, makeKeyPair());
  }
}

export async function writeKeyPair(file: string, pair: KeyPair): Promise<KeyPair> {
  await writeFile(file, pair.privateKey, { mode: 0o600 });
  await writeFile(`${file}.pub`, `${pair.publicKey}\n`);
  return pair;
}
