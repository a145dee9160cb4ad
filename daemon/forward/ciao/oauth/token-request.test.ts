import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import { type AddressInfo, createServer as createRawServer, type Socket } from "node:net";
import { decodeJwt, jwtVerify } from "jose";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { present } from "../../../base/assert.ts";
import { dateOf, systemTime } from "../../../base/system-time.ts";
import { type WallMs, wallMs } from "../../../base/time.ts";
import {
  type AuthorizationServer,
  startAuthorizationServer,
  testClientId,
} from "../../../testing/oauth/authorization-server.ts";
import { assertionLifetimeSeconds, issuedBackSeconds } from "./assertion.ts";
import type { TokenFailure, TokenOutcome } from "./token-outcome.ts";
import { TokenRequest, type TokenRequestSettings, tokenAnswerMaxBytes, withoutSecrets } from "./token-request.ts";

const keys = generateKeyPairSync("rsa", { modulusLength: 2048 });
const otherKeys = generateKeyPairSync("rsa", { modulusLength: 2048 });
const never = new AbortController().signal;

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

type Asked = Partial<TokenRequestSettings> & {
  readonly key?: () => KeyObject;
  readonly utcMs?: WallMs | null;
  readonly signal?: AbortSignal;
};

async function ask(tokenUrl: string, asked: Asked = {}): Promise<TokenOutcome> {
  const { key = () => keys.privateKey, utcMs = systemTime.wallMs(), signal = never, ...settings } = asked;
  const request = new TokenRequest(
    {
      tokenUrl,
      clientId: testClientId,
      audience: tokenUrl,
      scope: null,
      keyId: null,
      timeoutMs: 10_000,
      pins: [],
      ...settings,
    },
    { key, provenTime: () => (utcMs === null ? null : { utcMs, errorBoundMs: 7 }), time: systemTime },
  );
  cleanups.push(() => request[Symbol.asyncDispose]());
  return await request.ask(signal);
}

describe("an independent OAuth server", () => {
  let server: AuthorizationServer;
  beforeAll(async () => {
    server = await startAuthorizationServer(keys.publicKey);
  });
  afterAll(() => server[Symbol.asyncDispose]());

  test("gives a token, and tells how long it holds", async () => {
    const outcome = await ask(server.tokenUrl);
    expect(outcome).toEqual({ kind: "granted", token: expect.stringMatching(/^\S{20,}$/), lifetimeMs: 600_000 });
  });

  test("gets what the documents ask for and nothing beside it", async () => {
    await ask(server.tokenUrl);
    const sent = present(server.requests.at(-1), "a request");
    expect([...sent.keys()].toSorted()).toEqual(["client_assertion", "client_assertion_type", "grant_type"]);
    const { payload, protectedHeader } = await jwtVerify(sent.get("client_assertion") ?? "", keys.publicKey, {
      algorithms: ["RS256"],
    });
    expect(protectedHeader).toEqual({ alg: "RS256" });
    expect(Object.keys(payload).toSorted()).toEqual(["aud", "exp", "iat", "iss", "jti", "sub"]);
    expect(payload).toMatchObject({ iss: testClientId, sub: testClientId, aud: server.tokenUrl });
    expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(assertionLifetimeSeconds);
    expect(assertionLifetimeSeconds).toBeLessThanOrEqual(300);
  });

  test("a scope and a key's id are sent where the configuration has them", async () => {
    await ask(server.tokenUrl, { scope: "presence", keyId: "k1" });
    const sent = present(server.requests.at(-1), "a request");
    expect(sent.get("scope")).toBe("presence");
    const [header = ""] = (sent.get("client_assertion") ?? "").split(".");
    expect(JSON.parse(Buffer.from(header, "base64url").toString())).toEqual({ alg: "RS256", kid: "k1" });
  });

  test("every assertion has an id of its own, so that none can be replayed", async () => {
    await ask(server.tokenUrl);
    await ask(server.tokenUrl);
    const [first, second] = server.requests.slice(-2).map((sent) => decodeJwt(sent.get("client_assertion") ?? "").jti);
    expect(first).not.toBe(second);
    // That the server does refuse one that comes again shows that its check is on.
    const replayed = await fetchForm(server.tokenUrl, present(server.requests.at(-1), "a request"));
    expect(replayed.status).toBe(401);
    expect(replayed.body).toContain("invalid_client");
  });

  test("an assertion is stamped with the time we are told, not with the box's", async () => {
    const utcMs = wallMs(systemTime.wallMs() - 3_600_000);
    const outcome = await ask(server.tokenUrl, { utcMs });
    const { iat } = decodeJwt(present(server.requests.at(-1), "a request").get("client_assertion") ?? "");
    expect(iat).toBe(Math.floor((utcMs - 7) / 1000) - issuedBackSeconds);
    expect(outcome).toMatchObject({ kind: "refused", detail: expect.stringContaining("status 401, invalid_client") });
  });

  test.each([0, 2, 15, 29])(
    "an assertion is good by a clock that is %i s behind and allows for no difference",
    async (seconds) => {
      const utcMs = systemTime.wallMs();
      await ask(server.tokenUrl, { utcMs });
      const assertion = present(server.requests.at(-1), "a request").get("client_assertion") ?? "";
      const theirsMs = wallMs(utcMs - seconds * 1000);
      const currentDate = dateOf(theirsMs);
      const { payload } = await jwtVerify(assertion, keys.publicKey, { currentDate, maxTokenAge: 300 });
      expect((payload.exp ?? 0) - theirsMs / 1000).toBeLessThanOrEqual(300);
    },
  );

  test.each<[string, Asked]>([
    ["a key that the server does not know", { key: () => otherKeys.privateKey }],
    ["a client id that it does not know", { clientId: "somebody-else" }],
    ["an audience that is not the server", { audience: "https://token.example/" }],
  ])("%s is refused", async (_, asked) => {
    const outcome = await ask(server.tokenUrl, asked);
    expect(outcome).toMatchObject({ kind: "refused", detail: expect.stringMatching(/^status 40[01], invalid_/) });
  });

  test("an address that is none of its is refused", async () => {
    expect(await ask(`${server.tokenUrl}/nowhere`)).toMatchObject({ kind: "refused" });
  });
});

describe("nothing is sent", () => {
  test("while nothing proves the time", async () => {
    expect(await ask("http://127.0.0.1:1/token", { utcMs: null })).toMatchObject({ kind: "clock-unknown" });
  });

  test("without a key that can be read", async () => {
    const key = (): KeyObject => {
      throw new Error("the private key /etc/badged/key.pem does not exist");
    };
    expect(await ask("http://127.0.0.1:1/token", { key })).toEqual({
      kind: "key-unusable",
      detail: "the private key /etc/badged/key.pem does not exist",
      retryAfterMs: null,
    });
  });

  test("after the order to stop", async () => {
    expect(await ask("http://127.0.0.1:1/token", { signal: AbortSignal.abort() })).toMatchObject({
      kind: "interrupted",
    });
  });
});

describe("an endpoint that misbehaves", () => {
  const json = { "content-type": "application/json" };
  const token = { access_token: "abc", token_type: "Bearer", expires_in: 60 };

  test.each<[string, number, Record<string, string>, string, Partial<TokenFailure>]>([
    ["500", 500, {}, "", { kind: "down" }],
    ["503 with Retry-After", 503, { "retry-after": "17" }, "", { kind: "down", retryAfterMs: 17_000 }],
    ["429", 429, { "retry-after": "40" }, "", { kind: "throttled", retryAfterMs: 40_000 }],
    ["408", 408, {}, "", { kind: "down" }],
    [
      "400 invalid_grant",
      400,
      json,
      '{"error":"invalid_grant"}',
      { kind: "refused", detail: "status 400, invalid_grant" },
    ],
    ["401 without words", 401, { "www-authenticate": "Bearer" }, "", { kind: "refused", detail: "status 401" }],
    ["403 with a problem", 403, json, '{"title":"Forbidden"}', { kind: "refused", detail: "status 403, Forbidden" }],
    ["a page to log in at", 302, { location: "https://elsewhere.example/" }, "", { kind: "unintelligible" }],
    ["201", 201, json, JSON.stringify(token), { kind: "unintelligible" }],
    ["a web page", 200, { "content-type": "text/html" }, "<title>Maintenance</title>", { kind: "unintelligible" }],
    ["half of its JSON", 200, json, '{"access_token":"ab', { kind: "unintelligible" }],
    ["a list", 200, json, "[]", { kind: "unintelligible" }],
    ["no token", 200, json, '{"token_type":"Bearer"}', { kind: "unintelligible" }],
    ["an empty token", 200, json, JSON.stringify({ ...token, access_token: "" }), { kind: "unintelligible" }],
    [
      "a token with a line end",
      200,
      json,
      JSON.stringify({ ...token, access_token: "a\r\nb" }),
      { kind: "unintelligible" },
    ],
    ["a token of another type", 200, json, JSON.stringify({ ...token, token_type: "mac" }), { kind: "unintelligible" }],
    ["a life of no length", 200, json, JSON.stringify({ ...token, expires_in: 0 }), { kind: "unintelligible" }],
    ["a life before its birth", 200, json, JSON.stringify({ ...token, expires_in: -5 }), { kind: "unintelligible" }],
    ["a life in words", 200, json, JSON.stringify({ ...token, expires_in: "an hour" }), { kind: "unintelligible" }],
  ])("%s", async (_, status, headers, body, failure) => {
    const url = await serve((response) => response.writeHead(status, headers).end(body));
    expect(await ask(url)).toMatchObject(failure);
  });

  test("a life that is not told is told as such", async () => {
    const { expires_in: _, ...unsaid } = token;
    const url = await serve((response) => response.writeHead(200, json).end(JSON.stringify(unsaid)));
    expect(await ask(url)).toEqual({ kind: "granted", token: "abc", lifetimeMs: null });
  });

  test("a refused connection, a reset and silence are an endpoint that is down", async () => {
    expect(await ask("http://127.0.0.1:1/token")).toMatchObject({ kind: "not-reached" });
    expect(await ask(await serveRaw((socket) => socket.resetAndDestroy()))).toMatchObject({ kind: "down" });
    expect(await ask(await serveRaw(() => {}), { timeoutMs: 200 })).toMatchObject({ kind: "down" });
  });

  test("no more than its limit is read of an answer", async () => {
    const url = await serve((response) =>
      response.writeHead(200, json).end(Buffer.alloc(tokenAnswerMaxBytes + 1, " ")),
    );
    expect(await ask(url)).toMatchObject({ kind: "unintelligible" });
  });

  test("what is not HTTP, and what is not TLS", async () => {
    const url = await serveRaw((socket) => socket.end("+OK\r\n\r\n"));
    expect(await ask(url)).toMatchObject({ kind: "unintelligible" });
    expect(await ask(url.replace("http:", "https:"))).toMatchObject({ kind: "tls-failed" });
  });

  test("an assertion that it repeats goes into no detail", async () => {
    let assertion = "";
    const url = await serve((response, body) => {
      assertion = new URLSearchParams(body).get("client_assertion") ?? "";
      response
        .writeHead(400, json)
        .end(JSON.stringify({ error: "invalid_client", error_description: `no: ${assertion}` }));
    });
    const outcome = await ask(url);
    expect(outcome).toMatchObject({
      kind: "refused",
      detail: expect.stringMatching(/^status 400, invalid_client, no: /),
    });
    const [, claims = "-", signature = "-"] = assertion.split(".");
    expect(JSON.stringify(outcome)).not.toContain(claims);
    expect(JSON.stringify(outcome)).not.toContain(signature);
  });
});

test("a word of ordinary length is no secret", () => {
  expect(
    withoutSecrets("status 400, invalid_client, the client is unknown at https://services.example/REST/token"),
  ).toBe("status 400, invalid_client, the client is unknown at https://services.example/REST/token");
});

async function serve(
  answer: (response: ServerResponse, body: string, headers: IncomingHttpHeaders) => void,
): Promise<string> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => answer(response, Buffer.concat(chunks).toString(), request.headers));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanups.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`;
}

async function serveRaw(onData: (socket: Socket) => void): Promise<string> {
  const sockets: Socket[] = [];
  const server = createRawServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    socket.on("data", () => onData(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`;
}

async function fetchForm(
  url: string,
  form: URLSearchParams,
): Promise<{ readonly status: number; readonly body: string }> {
  const { request } = await import("undici");
  const { statusCode, body } = await request(url, {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: form.toString(),
  });
  return { status: statusCode, body: await body.text() };
}
