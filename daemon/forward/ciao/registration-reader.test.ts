import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { httpDateText, systemTime } from "../../base/system-time.ts";
import { wallMs } from "../../base/time.ts";
import type { AskedRegistration, Look } from "../follow-up/follow-up.ts";
import type { TokenSource } from "../upstream.ts";
import { CiaoRegistrations, registrationPath } from "./registration-reader.ts";
import { FileToken, noToken } from "./token.ts";

const never = new AbortController().signal;
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const askedFor = (registrationId: string): AskedRegistration => ({
  registrationId,
  registeredAt: wallMs(1_780_000_000_000),
  sent: { ssin: "85011512355", direction: "in", place: { kind: "coordinates", latitude: 51.05, longitude: 3.72 } },
});

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

async function serve(handler: Handler): Promise<string> {
  const server = createServer(handler);
  cleanups.push(() => {
    server.closeAllConnections();
    server.close();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
}

function readerOf(baseUrl: string, timeoutMs = 10_000, token: TokenSource = noToken): CiaoRegistrations {
  const reader = new CiaoRegistrations({ baseUrl, path: registrationPath, timeoutMs }, token, systemTime);
  cleanups.push(() => reader[Symbol.asyncDispose]());
  return reader;
}

async function looked(handler: Handler, timeoutMs = 10_000): Promise<Look> {
  return await readerOf(await serve(handler), timeoutMs).read(askedFor("17611"), never);
}

const answering =
  (status: number, body: string, headers: Record<string, string> = {}): Handler =>
  (_, response) =>
    response.writeHead(status, headers).end(body);
const json = (value: unknown): Handler => answering(200, JSON.stringify(value));

test("one registration is asked for by its id, with the token and a trace id, and nothing else of it", async () => {
  let seen: { url: string; method: string; headers: IncomingMessage["headers"] } | null = null;
  const base = await serve((request, response) => {
    const { url = "", method = "", headers } = request;
    seen = { url, method, headers };
    response.end(JSON.stringify({ id: "a/1", validity: "valid", remarks: [] }));
  });
  const reader = readerOf(base, 10_000, new FileToken(async () => "secret-token"));
  expect(await reader.read(askedFor("a/1"), never)).toEqual({ kind: "found", validity: "valid", remarks: [] });
  expect(seen).toMatchObject({
    method: "GET",
    url: "/v1/presenceRegistrations/a%2F1",
    headers: { authorization: "Bearer secret-token", "belgov-trace-id": expect.stringMatching(/^[0-9a-f-]{36}$/) },
  });
});

describe("an answer is read", () => {
  test.each<[string, unknown, object]>([
    ["as it is", { id: 17611, validity: "pending", remarks: [] }, { validity: "pending", remarks: [] }],
    [
      "with fields that nobody told of",
      { id: 17611, validity: "valid", x: { y: 1 }, remarks: [] },
      { validity: "valid" },
    ],
    ["in capitals", { validity: "PENDING", remarks: [] }, { validity: "pending" }],
    [
      "with remarks in any form",
      { remarks: [32, { code: "1", description: "who?" }] },
      { remarks: [{ code: 32 }, { code: 1, text: "who?" }] },
    ],
    ["without remarks, which is not the same as none", { validity: "valid" }, { remarks: null }],
    // Somebody said of those that are known that they were dealt with: what says nothing of them must not reopen them.
    ["with null for remarks, which is not the same as none", { validity: "valid", remarks: null }, { remarks: null }],
    ["with an empty text for remarks", { validity: "valid", remarks: "" }, { remarks: null }],
    [
      "with one remark in no list",
      { id: 17611, validity: "invalid", remarks: { code: 15, text: "INSZ is onbekend." } },
      { remarks: [{ code: 15, text: "INSZ is onbekend." }] },
    ],
    ["with one remark as a text", { remarks: "something new" }, { remarks: [{ code: null, text: "something new" }] }],
    // In words alone it would have no last day, and 32 would raise no alarm.
    [
      "with remarks in the published words",
      {
        remarks: [
          "Er bestaat geen relatie tussen de werknemer en de onderneming",
          { description: "32. Termijn voor ontvangst van de registratie overschreden" },
          { code: 15, text: "INSZ is onbekend." },
          { code: "X-7", text: "Limosa bestaat  maar is niet actief." },
          "32. Er bestaat geen relatie tussen de werknemer en de onderneming.",
          "12. Termijn voor ontvangst van de registratie overschreden",
        ],
      },
      { remarks: [{ code: 1 }, { code: 32 }, { code: 15 }, { code: 7 }, { code: null }, { code: null }] },
    ],
    ["without a validity", { id: "17611", remarks: [] }, { validity: null }],
    ["with a validity that is none", { validity: 7, remarks: [] }, { validity: null }],
    ["wrapped", { presenceRegistration: { id: 17611, validity: "valid", remarks: [] } }, { validity: "valid" }],
  ])("%s", async (_, value, expected) => {
    expect(await looked(json(value))).toMatchObject({ kind: "found", ...expected });
  });
});

describe("an answer that is no registration is unintelligible", () => {
  test.each([
    ["garbage", "\u0000\u0001<html>"],
    ["nothing", ""],
    ["a list", "[]"],
    ["an empty object", "{}"],
    ["a text", '"valid"'],
    ["a count of remarks", '{"validity":"valid","remarks":2}'],
    ["a flag for remarks", '{"validity":"valid","remarks":true}'],
    // Those that are known would be taken for gone, and be due no more.
    ["a list of remarks inside something", '{"validity":"valid","remarks":{"items":[{"code":1}]}}'],
  ])("%s", async (_, body) => {
    expect(await looked(answering(200, body))).toMatchObject({ kind: "unintelligible" });
  });
});

describe("an answer about another registration is that, whatever it says of remarks", () => {
  test.each<[string, object, string]>([
    ["by its id", { id: 1, validity: "valid", remarks: [15] }, "the answer has another id"],
    ["by its worker", { id: 17611, ssin: "90010100123", remarks: [15] }, "what was sent differs in worker"],
    [
      "by all that it repeats, and wrapped",
      {
        presenceRegistration: {
          id: 17611,
          ssin: "90010100123",
          type: "OUT",
          registrationDate: "2026-01-31T07:02:11Z",
          placeOfWork: { coordinates: { longitude: 4.35, latitude: 50.85 } },
          remarks: [15],
        },
      },
      "what was sent differs in worker, direction, moment, place",
    ],
  ])("%s", async (_, value, detail) => {
    expect(await looked(json(value))).toEqual({ kind: "another-registration", retryAfterMs: null, detail });
  });
});

describe("a status has a name", () => {
  test.each<[number, Look["kind"]]>([
    [301, "not-to-be-had"],
    [400, "unintelligible"],
    [401, "unauthorised"],
    [403, "forbidden"],
    [404, "not-found"],
    [405, "not-to-be-had"],
    [410, "not-found"],
    [500, "server-error"],
    [501, "not-to-be-had"],
    [503, "server-error"],
  ])("%d", async (status, kind) => {
    expect(await looked(answering(status, "{}"))).toMatchObject({ kind, retryAfterMs: null });
  });

  test("429 with Retry-After in seconds, as a date by the service's own clock, in neither form, and without", async () => {
    const asked = async (headers: Record<string, string>): Promise<Look> => await looked(answering(429, "", headers));
    expect(await asked({ "retry-after": "120" })).toMatchObject({ kind: "throttled", retryAfterMs: 120_000 });
    const at = wallMs(1_700_000_000_000);
    const dated = { date: httpDateText(at), "retry-after": httpDateText(wallMs(at + 90_000)) };
    expect(await asked(dated)).toMatchObject({ kind: "throttled", retryAfterMs: 90_000 });
    expect(await asked({ "retry-after": "soon" })).toMatchObject({ kind: "throttled", retryAfterMs: null });
    expect(await asked({})).toMatchObject({ kind: "throttled", retryAfterMs: null });
  });
});

test("an answer that does not come in time has timed out", async () => {
  expect(await looked(() => {}, 50)).toMatchObject({ kind: "timed-out" });
  const slow: Handler = (_, response) => void response.writeHead(200).write('{"id":');
  expect(await looked(slow, 50)).toMatchObject({ kind: "timed-out" });
});

test("a connection that breaks, or none, has not reached the service", async () => {
  expect(await looked((request) => void request.socket.destroy())).toMatchObject({ kind: "not-reached" });
  expect(await readerOf("http://127.0.0.1:1/v1").read(askedFor("17611"), never)).toMatchObject({ kind: "not-reached" });
});

test("a stop interrupts", async () => {
  const stop = new AbortController();
  const base = await serve(() => stop.abort());
  expect(await readerOf(base).read(askedFor("17611"), stop.signal)).toMatchObject({ kind: "interrupted" });
});

test("a token that cannot be read asks nothing", async () => {
  let requests = 0;
  const base = await serve(() => (requests += 1));
  const reader = readerOf(base, 1000, { token: async () => Promise.reject(new Error("no such file")) });
  expect(await reader.read(askedFor("17611"), never)).toMatchObject({ kind: "unauthorised" });
  expect(requests).toBe(0);
});

test("whatever comes back, no national number is in a look", async () => {
  let body = "";
  let status = 200;
  const base = await serve((_, response) => response.writeHead(status).end(body));
  const reader = readerOf(base);
  const ssin = "93051822361";
  const bodies = fc.constantFrom(
    JSON.stringify({ id: 17611, validity: ssin, remarks: [ssin, { code: 15, text: `who is ${ssin}` }] }),
    JSON.stringify({ title: `unknown ${ssin}`, detail: "93.05.18-223.61" }),
    ssin,
  );
  const statuses = fc.constantFrom(200, 400, 404, 429, 500);
  await fc.assert(
    fc.asyncProperty(bodies, statuses, async (text, code) => {
      [body, status] = [text, code];
      const look = JSON.stringify(await reader.read(askedFor("17611"), never));
      expect(look.replace(/\D/g, "")).not.toContain(ssin);
    }),
    { numRuns: 30 },
  );
});
