import { createHash, createHmac } from "node:crypto";

/** What a request to a store is signed with. */
export interface S3Access {
  /** Host and port. */
  readonly endpoint: string;
  readonly region: string;
  readonly accessKey: string;
  readonly secretKey: string;
}

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
const hmac = (key: string | Buffer, text: string): Buffer => createHmac("sha256", key).update(text).digest();

/**
 * The headers of a request without body, signed as AWS Signature Version 4 says. Pure.
 * @param path Begins with a slash; of characters that need no escape.
 * @param query `key=value&...`, sorted.
 */
export function signed(
  { endpoint, region, accessKey, secretKey }: S3Access,
  method: string,
  path: string,
  query: string,
  now: Date,
): Record<string, string> {
  const time = now.toISOString().replace(/[:-]|\.\d{3}/g, "");
  const day = time.slice(0, 8);
  const payload = sha256("");
  const names = "host;x-amz-content-sha256;x-amz-date";
  const headers = `host:${endpoint}\nx-amz-content-sha256:${payload}\nx-amz-date:${time}\n`;
  const request = [method, path, query, headers, names, payload].join("\n");
  const scope = `${day}/${region}/s3/aws4_request`;
  const text = ["AWS4-HMAC-SHA256", time, scope, sha256(request)].join("\n");
  const key = [day, region, "s3", "aws4_request"].reduce<string | Buffer>(hmac, `AWS4${secretKey}`);
  const signature = hmac(key, text).toString("hex");
  return {
    "x-amz-date": time,
    "x-amz-content-sha256": payload,
    authorization: `AWS4-HMAC-SHA256 Credential=${accessKey}/${scope}, SignedHeaders=${names}, Signature=${signature}`,
  };
}

/** Asks a store over http. @throws when it answers with an error */
export async function s3Request(
  access: S3Access,
  method: "GET" | "PUT" | "DELETE",
  path: string,
  query = "",
): Promise<string> {
  const headers = signed(access, method, path, query, new Date());
  const response = await fetch(`http://${access.endpoint}${path}${query && `?${query}`}`, {
    method,
    headers,
  });
  const body = await response.text();
  if (!response.ok)
    throw new Error(`S3: ${method} ${path} answers ${response.status}: ${body.slice(0, 300)}`);
  return body;
}
