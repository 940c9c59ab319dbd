import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { objectPath, openObject, s3Object } from "../../components/s3-object.ts";

const keys = { accessKey: "AKIDEXAMPLE", secretKey: "wJalrXUtnFEMI" };
const objectAt = (endpoint: string, name = "nightly+1") =>
  s3Object.parse({ store: { endpoint, bucket: "backups", folder: "lab", insecure: true }, name, ...keys });

async function served(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
  work: (endpoint: string) => Promise<void>,
): Promise<void> {
  const server = createServer(answer).listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    await work(`127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

test("an object's path has its bucket and folder, and is escaped", () => {
  assert.equal(objectPath(objectAt("s3.example.com")), "/backups/lab/nightly%2B1");
  const top = s3Object.parse({ store: { bucket: "backups" }, name: "2026/x", ...keys });
  assert.equal(objectPath(top), "/backups/2026/x");
});

test("an object is read with a signature that S3 accepts", async () => {
  let authorization = "";
  const answer = (request: IncomingMessage, response: ServerResponse) => {
    authorization = request.headers.authorization ?? "";
    response.end("snapshot");
  };
  await served(answer, async (endpoint) => {
    const { body, bytes } = await openObject(objectAt(endpoint));
    assert.equal(bytes, 8);
    assert.equal(await text(body), "snapshot");
    assert.match(
      authorization,
      /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/\d{8}\/us-east-1\/s3\/aws4_request/,
    );
  });
});

test("S30 what a store refuses is said with the object, the store and the way on, without the keys", async () => {
  const cases: [number, RegExp][] = [
    [403, /refuses the keys \(HTTP 403\). Correct s3AccessKey and s3SecretKey/],
    [404, /no such object \(HTTP 404\).*correct restore\.snapshot/],
    [503, /answers with HTTP 503/],
  ];
  for (const [status, wanted] of cases) {
    const answer = (_: IncomingMessage, response: ServerResponse) => response.writeHead(status).end();
    await served(answer, async (endpoint) => {
      await assert.rejects(openObject(objectAt(endpoint)), (error: Error) => {
        assert.match(error.message, /^nightly\+1 in S3 \(bucket backups, folder lab at 127/);
        assert.match(error.message, wanted);
        assert.doesNotMatch(error.message, /wJalr|AKID/);
        return true;
      });
    });
  }
});

test("S30 a store that is down is named", async () => {
  let gone = "";
  await served(
    () => {},
    async (endpoint) => {
      gone = endpoint;
    },
  );
  await assert.rejects(openObject(objectAt(gone)), /in S3 .* cannot be read: .*ECONNREFUSED/);
});
