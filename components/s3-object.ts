import type { IncomingMessage, RequestOptions } from "node:http";
import http from "node:http";
import https from "node:https";
import aws4 from "aws4";
import { z } from "zod";
import { s3 } from "../config/backup-schema.ts";

/** Where an object is, and what opens the store. */
export const s3Object = z.strictObject({
  store: s3,
  accessKey: z.string().min(1),
  secretKey: z.string().min(1),
  /** Below the store's folder. */
  name: z.string().min(1),
});

export type S3Object = z.output<typeof s3Object>;

/** Milliseconds that a store may be silent. */
const silence = 60_000;

/** The object's path in the store, as every S3 server understands it: the bucket in the path, not in the host. Pure. */
export function objectPath({ store, name }: Pick<S3Object, "store" | "name">): string {
  const key = [store.bucket, store.folder, name].filter((part) => part).join("/");
  return `/${key.split("/").map(encodeURIComponent).join("/")}`;
}

/**
 * Begins to read an object, signed as AWS Signature Version 4 says.
 * @throws Error that names the object, the store and what the store answered; never its keys
 */
export async function openObject(object: S3Object): Promise<{ body: IncomingMessage; bytes: number }> {
  const { store, accessKey, secretKey, name } = object;
  const options: RequestOptions = aws4.sign(
    { host: store.endpoint, path: objectPath(object), service: "s3", region: store.region, method: "GET" },
    { accessKeyId: accessKey, secretAccessKey: secretKey },
  );
  const [hostname, port] = store.endpoint.split(":");
  const where = `${name} in S3 (bucket ${store.bucket}${store.folder ? `, folder ${store.folder}` : ""} at ${store.endpoint})`;
  const body = await new Promise<IncomingMessage>((resolve, reject) => {
    const to = { ...options, hostname, ...(port && { port }), timeout: silence };
    const asked = store.insecure
      ? http.request(to)
      : https.request({ ...to, rejectUnauthorized: !store.skipVerify });
    asked.once("response", resolve);
    asked.once("timeout", () => asked.destroy(new Error(`no answer for ${silence / 1000} s`)));
    asked.once("error", ({ message }) => reject(new Error(`${where} cannot be read: ${message}`)));
    asked.end();
  });
  const bytes = Number(body.headers["content-length"]);
  if (body.statusCode === 200 && Number.isSafeInteger(bytes)) return { body, bytes };
  body.resume();
  throw new Error(`${where} cannot be read: ${refusal(body.statusCode)}`);
}

/** What a status of a store means to who wants an object. */
function refusal(status: number | undefined): string {
  if (status === 403) return "the store refuses the keys (HTTP 403). Correct s3AccessKey and s3SecretKey";
  if (status === 404)
    return "there is no such object (HTTP 404). List the bucket, and correct restore.snapshot";
  return `the store answers with HTTP ${status}`;
}
