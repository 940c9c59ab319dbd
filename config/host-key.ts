import { z } from "zod";
import type { Wanted } from "./grammar.ts";

/**
 * SSH host keys as they are pinned per node. RSA keys are not accepted: the command provider would ask the server
 * for the ssh-rsa (SHA-1) algorithm only, which OpenSSH has refused since 8.8.
 */
const types = ["ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"] as const;

const wanted: Wanted = {
  wanted: "a public host key of type ssh-ed25519 or ecdsa-sha2-nistp256/384/521, two words without a comment",
  next: "On the node's own console run `cut -d' ' -f1,2 /etc/ssh/ssh_host_ed25519_key.pub` and paste the line.",
};

/** Whether the text is `TYPE BASE64` and the type written inside the key is the one written before it. */
export function isHostKey(value: unknown): boolean {
  if (typeof value !== "string") return false;
  const match = /^([a-z0-9-]+) ([A-Za-z0-9+/]{40,400}={0,2})$/.exec(value);
  const type = match?.[1];
  const body = match?.[2];
  if (!type || !body || !types.some((known) => known === type)) return false;
  const blob = Buffer.from(body, "base64");
  if (blob.length < 4 || blob.toString("base64") !== body) return false;
  return blob.subarray(4, 4 + blob.readUInt32BE(0)).toString("latin1") === type;
}

export const hostKey = z.custom<string>(isHostKey, { params: wanted });
