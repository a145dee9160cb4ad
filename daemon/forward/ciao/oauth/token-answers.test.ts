import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { systemTime } from "../../../base/system-time.ts";
import { tokenLayerOf } from "../../../compose/call-observation.ts";
import type { TokenOutcome } from "./token-outcome.ts";
import { TokenRequest, tokenAnswerMaxBytes } from "./token-request.ts";

/** Answers of token endpoints that are neither a token nor a plain refusal, over real HTTP. */

const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });

async function asked(answer: (response: ServerResponse) => void): Promise<TokenOutcome> {
  await using server = createServer((_, response) => answer(response)).listen(0, "127.0.0.1");
  await once(server, "listening");
  const tokenUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`;
  await using request = new TokenRequest(
    { tokenUrl, clientId: "c", audience: tokenUrl, scope: null, keyId: null, timeoutMs: 2_000, pins: [] },
    {
      key: () => privateKey,
      provenTime: () => ({ utcMs: systemTime.wallMs(), errorBoundMs: 5 }),
      time: systemTime,
    },
  );
  const outcome = await request.ask(new AbortController().signal);
  server.closeAllConnections();
  return outcome;
}

const cutOff =
  (status: number) =>
  (response: ServerResponse): void => {
    response.writeHead(status, { "content-length": "100", "retry-after": "600" });
    response.write('{"error":"invalid_client', () => response.socket?.destroy());
  };

test.each([
  ["400 that is cut off", cutOff(400)],
  ["401 that is cut off", cutOff(401)],
  [
    "403 with a long page",
    (response: ServerResponse) => response.writeHead(403).end("x".repeat(tokenAnswerMaxBytes + 1)),
  ],
])("a %s is a refusal of our key, and no outage of the endpoint", async (_what, answer) => {
  const outcome = await asked(answer);
  expect(outcome.kind).toBe("refused");
  expect(outcome.kind === "granted" ? null : tokenLayerOf(outcome)).toBe("refuses-us");
});

test.each([
  [429, "throttled"],
  [503, "down"],
])("a %i that is cut off still asks for its ten minutes", async (status, kind) => {
  expect(await asked(cutOff(status))).toMatchObject({ kind, retryAfterMs: 600_000 });
});

test.each([
  '"expires_in":null',
  '"expires_in":300,"scope":null',
  '"expires_in":300,"refresh_token":null,"id_token":null',
])("a token beside %s is a token", async (field) => {
  const body = `{"access_token":"abc","token_type":"Bearer",${field}}`;
  const outcome = await asked((response) => response.writeHead(200, { "content-type": "application/json" }).end(body));
  expect(outcome).toMatchObject({ kind: "granted", token: "abc" });
});
