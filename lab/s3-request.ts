import aws4 from "aws4";

/** What a request to a store is signed with. */
export interface S3Access {
  /** Host and port. */
  readonly endpoint: string;
  readonly region: string;
  readonly accessKey: string;
  readonly secretKey: string;
}

/** Asks a store over http. @throws when it answers with an error */
export async function s3Request(
  access: S3Access,
  method: "GET" | "PUT" | "DELETE",
  path: string,
  query = "",
): Promise<string> {
  const { endpoint, region, accessKey: accessKeyId, secretKey: secretAccessKey } = access;
  const target = `${path}${query && `?${query}`}`;
  const request = { host: endpoint, path: target, service: "s3", region, method };
  const { headers } = aws4.sign(request, { accessKeyId, secretAccessKey });
  const response = await fetch(`http://${endpoint}${target}`, {
    method,
    headers: headers as Record<string, string>,
  });
  const body = await response.text();
  if (!response.ok)
    throw new Error(`S3: ${method} ${path} answers ${response.status}: ${body.slice(0, 300)}`);
  return body;
}
