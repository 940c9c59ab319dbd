import assert from "node:assert/strict";
import { test } from "node:test";
import { apiPatiently } from "../../../measure/patient.ts";
import { serveHttps } from "../lab/https.ts";

test("a request that fails is made again; that an object exists is an answer only when it may be ours", async () => {
  const answers = [500, 409, 409, 200];
  let asked = 0;
  const { server, url, cert, key } = await serveHttps((_, response) => {
    response.writeHead(answers[asked++]!).end(JSON.stringify({ asked }));
  });
  const access = { server: url, ca: cert, cert, key };
  try {
    // the first try may have made it before it failed
    assert.deepEqual(await apiPatiently(access, "POST", "/things", {}), {});
    assert.equal(asked, 2);
    assert.deepEqual(await apiPatiently(access, "GET", "/things"), { asked: 4 });
  } finally {
    server.close();
  }
});
