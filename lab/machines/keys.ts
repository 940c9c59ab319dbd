import { readFile, writeFile } from "node:fs/promises";
import ssh2 from "ssh2";

/** A pair of ed25519 keys: the private one in OpenSSH's own format, the public one as `ssh-ed25519 AAAA...`. */
export interface KeyPair {
  privateKey: string;
  publicKey: string;
}

export function makeKeyPair(): KeyPair {
  const pair = ssh2.utils.generateKeyPairSync("ed25519");
  return { privateKey: pair.private, publicKey: pair.public.trim() };
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
