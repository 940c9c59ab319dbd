import assert from "node:assert/strict";
import { test } from "node:test";
import { signed } from "../../../lab/s3-request.ts";

test("a request is signed as Amazon's own example says", () => {
  // "GET Bucket (List Objects)" of the S3 API reference, Signature Version 4: examples
  const access = {
    endpoint: "examplebucket.s3.amazonaws.com",
    region: "us-east-1",
    accessKey: "AKIAIOSFODNN7EXAMPLE",
    secretKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
  };
  const headers = signed(access, "GET", "/", "max-keys=2&prefix=J", new Date("2013-05-24T00:00:00Z"));
  assert.match(
    headers.authorization!,
    /Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7$/,
  );
});
