import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, createServer as createRawServer, type Server as RawServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import { afterEach, describe, expect, test } from "vitest";
import { present } from "../../base/assert.ts";
import { httpDateText, systemTime } from "../../base/system-time.ts";
import { wallMs } from "../../base/time.ts";
import { ManualTime } from "../../testing/manual-time.ts";
import { dueScan } from "../../testing/memory-queue.ts";
import { answerMaxBytes } from "../http-call.ts";
import { type CallOutcome, NoTokenError, type TokenSource } from "../upstream.ts";
import { CiaoClient } from "./ciao-client.ts";
import { FileToken, noToken } from "./token.ts";
import { registerPath } from "./wire.ts";

const traceId = "0b0f5f0e-6f0b-4c55-8a25-2b5f3f9f8a10";
const scans = [1, 2, 3].map((id) => dueScan({ scanId: id, worker: id, utcMs: wallMs(1_780_000_000_000 + id) }));
const never = new AbortController().signal;

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

type Handler = (request: IncomingMessage, response: ServerResponse, body: string) => void;

function reading(handler: Handler): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => handler(request, response, Buffer.concat(chunks).toString()));
  };
}

async function portOf(server: Server | RawServer): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

/** A service that answers as told; resolves to its base address. */
async function serve(handler: Handler): Promise<string> {
  const server = createServer(reading(handler));
  cleanups.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${await portOf(server)}/v1`;
}

/** A server below HTTP: `onData` gets each piece of what the client sends. */
async function serveRaw(onData: (socket: Socket, data: string) => void): Promise<string> {
  const sockets: Socket[] = [];
  const server = createRawServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    socket.on("data", (data) => onData(socket, data.toString("latin1")));
  });
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `http://127.0.0.1:${await portOf(server)}/v1`;
}

function clientOf(baseUrl: string, timeoutMs = 10_000, token: TokenSource = noToken): CiaoClient {
  const client = new CiaoClient({ baseUrl, registerPath, healthPath: "/health", timeoutMs }, token, systemTime);
  cleanups.push(() => client[Symbol.asyncDispose]());
  return client;
}

function register(baseUrl: string, timeoutMs = 10_000): Promise<CallOutcome> {
  return clientOf(baseUrl, timeoutMs).register(scans, traceId, never);
}

function json(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
}

const created = (id: number): object => ({ createdPresenceRegistration: { id, validity: "pending", remarks: [] } });
const allCreated = { items: [created(11), created(12), created(13)] };

describe("a service as documented", () => {
  test("gets one request with its headers and its items, and is understood", async () => {
    let seen: { url: string; method: string; headers: IncomingMessage["headers"]; body: unknown } | null = null;
    const base = await serve((request, response, body) => {
      const { url = "", method = "", headers } = request;
      seen = { url, method, headers, body: JSON.parse(body) };
      json(response, 200, allCreated, { "BelGov-Related-Trace-Id": "5f9b2a40-1c7e-4c0b-9d58-0a3c9f6f2a11" });
    });
    const client = clientOf(base, 10_000, new FileToken(async () => "secret-token\n"));
    const outcome = await client.register(scans, traceId, never);
    expect(seen).toMatchObject({
      url: "/v1/presenceRegistrations/registerInBulk",
      method: "POST",
      headers: {
        "content-type": "application/json",
        "belgov-trace-id": traceId,
        authorization: "Bearer secret-token",
      },
      body: { items: [{ ssin: scans[0]?.ssin, type: "IN" }, {}, {}] },
    });
    expect(outcome).toEqual({
      kind: "answered",
      items: [11, 12, 13].map((id) => ({
        kind: "created",
        registrationId: String(id),
        validity: "pending",
        remarks: [],
      })),
      report: {
        outcome: "answered",
        httpStatus: 200,
        relatedTraceId: "5f9b2a40-1c7e-4c0b-9d58-0a3c9f6f2a11",
        detail: "",
      },
    });
  });

  test("gets no authorization when it asks for none", async () => {
    let authorization: string | undefined = "not asked";
    const base = await serve((request, response) => {
      authorization = request.headers.authorization;
      json(response, 200, allCreated);
    });
    expect((await register(base)).kind).toBe("answered");
    expect(authorization).toBeUndefined();
  });

  test("is spoken to over one connection, call after call", async () => {
    const ports = new Set<number | undefined>();
    const base = await serve((request, response) => {
      ports.add(request.socket.remotePort);
      json(response, 200, allCreated);
    });
    const client = clientOf(base);
    for (let call = 0; call < 5; call += 1)
      expect((await client.register(scans, traceId, never)).kind).toBe("answered");
    expect(ports.size).toBe(1);
  });
});

describe("certainly not processed", () => {
  test("a refused connection", async () => {
    const server = createRawServer();
    const port = await portOf(server);
    await new Promise((resolve) => server.close(resolve));
    expect(await register(`http://127.0.0.1:${port}/v1`)).toMatchObject({
      kind: "not-processed",
      report: { outcome: "not-connected", httpStatus: null, detail: expect.stringContaining("ECONNREFUSED") },
    });
  });

  test("a certificate that nobody vouches for, whatever the environment says", async () => {
    const folder = mkdtempSync(join(tmpdir(), "badged-tls-"));
    cleanups.push(() => rmSync(folder, { recursive: true }));
    const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
    const subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"];
    const kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1"];
    execFileSync("openssl", ["req", "-x509", ...kind, ...subject, "-keyout", key, "-out", cert], { stdio: "ignore" });
    let requests = 0;
    const server = createTlsServer({ key: readFileSync(key), cert: readFileSync(cert) }, (_request, response) => {
      requests += 1;
      response.end();
    });
    cleanups.push(() => server.close());
    const port = await portOf(server);
    process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = "0";
    cleanups.push(() => delete process.env["NODE_TLS_REJECT_UNAUTHORIZED"]);
    const outcome = await register(`https://127.0.0.1:${port}/v1`);
    expect(outcome).toMatchObject({ kind: "not-processed", report: { outcome: "tls-failed" } });
    expect(requests).toBe(0);
  });

  test("a server that does not speak TLS", async () => {
    const base = await serveRaw((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
    const outcome = await register(base.replace("http:", "https:"));
    expect(outcome).toMatchObject({ kind: "not-processed", report: { outcome: "tls-failed" } });
  });

  test("a handshake that is never answered: the request does not leave after the deadline either", async () => {
    let heard = 0;
    const base = await serveRaw(() => {
      heard += 1;
    });
    const outcome = await register(base.replace("http:", "https:"), 200);
    expect(outcome).toMatchObject({ kind: "not-processed", report: { outcome: "not-connected" } });
    expect(heard).toBeLessThanOrEqual(1);
  });

  test("a stop before the call", async () => {
    const outcome = await clientOf("http://127.0.0.1:1").register(scans, traceId, AbortSignal.abort());
    expect(outcome).toMatchObject({ kind: "not-processed", report: { outcome: "interrupted" } });
  });

  test.each([
    ["unreadable", async () => Promise.reject(new Error("EACCES"))],
    ["empty", async () => "\n"],
    ["unfit for a header", async () => "a\r\nb"],
  ])("a token that is %s; the service is not called", async (_, read) => {
    const client = clientOf("http://127.0.0.1:1", 1_000, new FileToken(read));
    const outcome = await client.register(scans, traceId, never);
    expect(outcome).toMatchObject({ kind: "not-processed", report: { outcome: "unauthorised", httpStatus: null } });
  });

  test.each([
    [401, "unauthorised"],
    [403, "unauthorised"],
    [404, "call-refused"],
    [405, "call-refused"],
    [408, "timed-out"],
    [413, "call-refused"],
    [415, "call-refused"],
    [429, "throttled"],
    [307, "call-refused"],
    [308, "call-refused"],
  ])("status %d is %s", async (status, outcome) => {
    let calls = 0;
    const base = await serve((_request, response) => {
      calls += 1;
      json(response, status, { title: "No", detail: "not for 93.05.18-223.61" }, { location: "/elsewhere" });
    });
    expect(await register(base)).toMatchObject({
      kind: "not-processed",
      report: { outcome, httpStatus: status, detail: "No, not for [number removed]" },
    });
    expect(calls).toBe(1);
  });

  test("a refusal whose explanation was cut off", async () => {
    const base = await serveRaw((socket) => {
      socket.end("HTTP/1.1 401 Unauthorized\r\nContent-Length: 500\r\n\r\n{");
    });
    expect(await register(base)).toMatchObject({ kind: "not-processed", report: { outcome: "unauthorised" } });
  });

  test("429 and 503 with Retry-After in seconds and as a date", async () => {
    const answeredAt = systemTime.wallMs();
    const headers = { date: httpDateText(answeredAt), "retry-after": httpDateText(wallMs(answeredAt + 90_000)) };
    const seconds = await serve((_request, response) => json(response, 429, {}, { "retry-after": "120" }));
    const date = await serve((_request, response) => json(response, 503, {}, headers));
    expect(await register(seconds)).toMatchObject({ kind: "not-processed", retryAfterMs: 120_000 });
    expect(await register(date)).toMatchObject({ kind: "ambiguous", retryAfterMs: 90_000 });
  });
});

describe("a malformed call", () => {
  const issues = [
    { in: "body", name: "items[1].ssin", detail: "not 11 digits", value: "93051822361" },
    { in: "body", name: "items[2].placeOfWork.address.postCode", detail: "unknown" },
  ];

  test("whose items are named", async () => {
    const base = await serve((_request, response) =>
      json(response, 400, { type: "urn:problem-type:belgif:badRequest", title: "Bad Request", status: 400, issues }),
    );
    expect(await register(base)).toMatchObject({
      kind: "refused",
      culprits: [
        { index: 1, reason: "ssin: not 11 digits" },
        { index: 2, reason: "placeOfWork.address.postCode: unknown" },
      ],
      report: { outcome: "call-refused", httpStatus: 400 },
    });
  });

  test("whose items are not named, as JSON, as HTML, or without a word", async () => {
    for (const body of ['{"title":"Bad Request","issues":[{"name":"items"}]}', "<html>Bad Request</html>", ""]) {
      const base = await serve((_request, response) => response.writeHead(400).end(body));
      expect(await register(base)).toMatchObject({ kind: "refused", culprits: [], reason: expect.stringMatching(/./) });
    }
  });
});

describe("nobody knows whether it was processed", () => {
  test.each([500, 502, 503, 504, 302, 303])("status %d", async (status) => {
    const base = await serve((_request, response) => response.writeHead(status, { location: "/v1/x" }).end());
    expect(await register(base)).toMatchObject({
      kind: "ambiguous",
      report: { outcome: status >= 500 ? "server-error" : "unintelligible", httpStatus: status },
    });
  });

  test.each([
    ["no answer at all", () => {}],
    [
      "an answer that stops after its head",
      (socket: Socket) => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"),
    ],
  ])("%s: the deadline ends it", async (_, onData) => {
    const base = await serveRaw(onData);
    expect(await register(base, 200)).toMatchObject({ kind: "ambiguous", report: { outcome: "timed-out" } });
  });

  test("an answer that comes a byte at a time, for ever", async () => {
    const base = await serveRaw((socket) => {
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
      const drip = systemTime.every(5, () => socket.write(" "));
      socket.on("close", () => drip[Symbol.dispose]());
    });
    expect(await register(base, 300)).toMatchObject({ kind: "ambiguous", report: { outcome: "timed-out" } });
  });

  test("a reset once the request has come, and in the middle of the answer", async () => {
    const before = await serveRaw((socket) => socket.resetAndDestroy());
    expect(await register(before)).toMatchObject({ kind: "ambiguous", report: { outcome: "connection-lost" } });
    const during = await serveRaw((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"items":[', () => socket.resetAndDestroy());
    });
    expect(await register(during)).toMatchObject({ kind: "ambiguous", report: { outcome: "connection-lost" } });
  });

  test("a connection closed without an answer", async () => {
    const base = await serveRaw((socket) => socket.end());
    expect(await register(base)).toMatchObject({ kind: "ambiguous", report: { outcome: "connection-lost" } });
  });

  test("an answer that is not HTTP", async () => {
    const base = await serveRaw((socket) => socket.end("+OK hello\r\n\r\n"));
    expect(await register(base)).toMatchObject({ kind: "ambiguous", report: { outcome: "unintelligible" } });
  });

  test("an answer of 10 MB: no more than its limit is read", async () => {
    const base = await serve((_request, response) => {
      response.writeHead(200).end(Buffer.alloc(10 * 1024 * 1024, " "));
    });
    expect(await register(base)).toMatchObject({
      kind: "ambiguous",
      report: { outcome: "unintelligible", detail: `answer longer than ${answerMaxBytes} bytes` },
    });
  });

  test.each([
    ["HTML", "<!doctype html><title>Maintenance</title>"],
    ["half of its JSON", '{"items":[{"createdPresenceReg'],
    ["JSON of another shape", '{"registrations":[]}'],
    ["an answer about no scan", '{"items":[]}'],
    ["items of another shape", '{"items":[{},{},{}]}'],
    ["nothing", ""],
  ])("%s instead of the answer", async (_, body) => {
    const base = await serve((_request, response) =>
      response.writeHead(200, { "content-type": "application/json" }).end(body),
    );
    expect(await register(base)).toMatchObject({ kind: "ambiguous", report: { outcome: "unintelligible" } });
  });

  test("a stop in the middle of it", async () => {
    const stop = new AbortController();
    const base = await serve(() => stop.abort());
    const outcome = await clientOf(base).register(scans, traceId, stop.signal);
    expect(outcome).toMatchObject({ kind: "ambiguous", report: { outcome: "interrupted" } });
  });
});

test("an answer at the limit of its length is read", async () => {
  const text = JSON.stringify(allCreated);
  const base = await serve((_request, response) => {
    response.writeHead(200).end(text.padEnd(answerMaxBytes, " "));
  });
  expect((await register(base)).kind).toBe("answered");
});

describe("an answer that is coded, though none was asked for", () => {
  const codings = { gzip: gzipSync, "x-gzip": gzipSync, deflate: deflateSync, br: brotliCompressSync } as const;

  test.each(Object.entries(codings))("%s is read", async (coding, code) => {
    const base = await serve((_request, response) => {
      const headers = { "content-type": "application/json", "content-encoding": coding.toUpperCase() };
      response.writeHead(200, headers).end(code(JSON.stringify(allCreated)));
    });
    expect((await register(base)).kind).toBe("answered");
  });

  test("gzip is read as it came where something on the way has decoded it", async () => {
    const base = await serve((_request, response) => json(response, 200, allCreated, { "content-encoding": "gzip" }));
    expect((await register(base)).kind).toBe("answered");
  });

  test.each([
    ["and cut off", gzipSync(JSON.stringify(allCreated)).subarray(0, 40)],
    ["and longer than its limit once it is decoded", gzipSync(Buffer.alloc(answerMaxBytes + 1, " "))],
  ])("%s is in doubt", async (_, body) => {
    const base = await serve((_request, response) => {
      response.writeHead(200, { "content-type": "application/json", "content-encoding": "gzip" }).end(body);
    });
    expect(await register(base)).toMatchObject({ kind: "ambiguous", report: { outcome: "unintelligible" } });
  });
});

test("items in another order are found by what they repeat", async () => {
  const base = await serve((_request, response, body) => {
    const { items } = JSON.parse(body) as { items: { ssin: string; registrationDate: string }[] };
    const turned = items.map(({ ssin, registrationDate }, index) => ({
      createdPresenceRegistration: { id: 100 + index, validity: "pending", ssin, registrationDate },
    }));
    json(response, 200, { items: turned.toReversed() });
  });
  const outcome = await register(base);
  expect(outcome).toMatchObject({
    kind: "answered",
    items: [{ registrationId: "100" }, { registrationId: "101" }, { registrationId: "102" }],
  });
});

test("missing items leave their scans unanswered", async () => {
  const base = await serve((_request, response) => {
    const ssin = present(scans[1], "there are three").ssin;
    json(response, 200, {
      items: [{ ssin, notCreatedPresenceRegistration: { code: 15, description: "unknown SSIN" } }],
    });
  });
  expect(await register(base)).toMatchObject({
    kind: "answered",
    items: [{ kind: "unanswered" }, { kind: "refused", reason: "15: unknown SSIN" }, { kind: "unanswered" }],
  });
});

test("after a call that was given up, the next one is a new one", async () => {
  let calls = 0;
  const base = await serve((_request, response) => {
    calls += 1;
    if (calls > 1) json(response, 200, allCreated);
  });
  const client = clientOf(base, 300);
  expect((await client.register(scans, traceId, never)).kind).toBe("ambiguous");
  expect((await client.register(scans, traceId, never)).kind).toBe("answered");
  expect(calls).toBe(2);
});

describe("a call that may leave only when all is there", () => {
  test("is asked for once its token and its connection are there, before a byte of it has left", async () => {
    const asked: string[] = [];
    const base = await serve((_request, response) => {
      asked.push("arrived");
      json(response, 200, allCreated);
    });
    const token: TokenSource = {
      token: async () => {
        asked.push("token");
        return "good";
      },
    };
    const mayLeave = (): boolean => asked.push("may it leave?") > 0;
    expect((await clientOf(base, 10_000, token).register(scans, traceId, never, mayLeave)).kind).toBe("answered");
    expect(asked).toEqual(["token", "may it leave?", "arrived"]);
  });

  test("and does not leave when it may not; the next one does", async () => {
    const bodies: string[] = [];
    const base = await serve((_request, response, body) => {
      bodies.push(body);
      json(response, 200, allCreated);
    });
    const client = clientOf(base);
    const heldBack = await client.register(scans, traceId, never, () => false);
    expect(heldBack).toMatchObject({ kind: "held-back", report: { outcome: "held-back", httpStatus: null } });
    expect(bodies).toEqual([]);
    expect((await client.register(scans, traceId, never, () => true)).kind).toBe("answered");
    expect(bodies).toHaveLength(1);
  });

  test("nor with the new token, when the old one was refused meanwhile", async () => {
    let calls = 0;
    const base = await serve((_request, response) => {
      calls += 1;
      json(response, 401, {});
    });
    const tokens = ["old", "new"];
    const source: TokenSource = { token: async () => tokens.shift() ?? null, refused: () => {} };
    const outcome = await clientOf(base, 10_000, source).register(scans, traceId, never, () => calls === 0);
    expect(outcome.kind).toBe("held-back");
    expect(calls).toBe(1);
  });
});

test("a token that took most of the call's time lets none leave that would end in doubt", async () => {
  let calls = 0;
  const base = await serve(() => {
    calls += 1;
  });
  const time = new ManualTime();
  const slow: TokenSource = {
    token: async () => {
      await time.advance(7_600);
      return "late";
    },
  };
  const client = new CiaoClient({ baseUrl: base, registerPath, healthPath: "/health", timeoutMs: 10_000 }, slow, time);
  cleanups.push(() => client[Symbol.asyncDispose]());
  expect(await client.register(scans, traceId, never)).toMatchObject({
    kind: "not-processed",
    report: { outcome: "no-token" },
  });
  expect(calls).toBe(0);
});

describe("a token that the service repeats", () => {
  const token = "short/opaque-token~17";

  test.each<[string, (seen: string) => string]>([
    ["as it is", (seen) => JSON.stringify({ title: "Bad Request", detail: `${seen} is not for this` })],
    [
      "as JSON may write it",
      (seen) => `{"title":"Bad Request","detail":"${seen.replaceAll("/", "\\/")} is not for this"}`,
    ],
    ["as addresses write it", (seen) => JSON.stringify({ detail: `?token=${encodeURIComponent(seen.slice(7))}` })],
    ["of an item", (seen) => JSON.stringify({ issues: [{ in: "body", name: "items[0].ssin", detail: seen }] })],
    ["on a page", (seen) => `<html>${seen}</html>`],
  ])("is in nothing that is kept: %s", async (_, bodyOf) => {
    for (const status of [200, 400, 401, 500]) {
      const base = await serve((request, response) => {
        const seen = request.headers.authorization ?? "";
        response.writeHead(status, { "content-type": seen, "belgov-related-trace-id": token }).end(bodyOf(seen));
      });
      const outcome = await clientOf(base, 10_000, new FileToken(async () => token)).register(scans, traceId, never);
      expect(JSON.stringify(outcome)).not.toContain("opaque-token");
    }
  });
});

describe("a token that the service refuses", () => {
  /** Gives `old` until it is refused, then `renewed`, or the old one again when there is none. */
  function sourceOf(renewed: string | null): TokenSource & { readonly refusals: string[] } {
    const refusals: string[] = [];
    return {
      refusals,
      token: async () => (refusals.length > 0 && renewed !== null ? renewed : "old"),
      refused: (token) => void refusals.push(token),
    };
  }

  async function serviceThatTakes(token: string): Promise<{ readonly base: string; readonly seen: string[] }> {
    const seen: string[] = [];
    const base = await serve((request, response) => {
      seen.push(request.headers.authorization ?? "");
      if (request.headers.authorization === `Bearer ${token}`) json(response, 200, allCreated);
      else json(response, 401, { type: "urn:problem-type:belgif:expiredAccessToken", title: "Expired" });
    });
    return { base, seen };
  }

  test("gives way to another one within the same call", async () => {
    const { base, seen } = await serviceThatTakes("new");
    const source = sourceOf("new");
    const outcome = await clientOf(base, 10_000, source).register(scans, traceId, never);
    expect(outcome.kind).toBe("answered");
    expect(seen).toEqual(["Bearer old", "Bearer new"]);
    expect(source.refusals).toEqual(["old"]);
  });

  test("is not sent a second time when there is no other", async () => {
    const { base, seen } = await serviceThatTakes("new");
    const outcome = await clientOf(base, 10_000, sourceOf(null)).register(scans, traceId, never);
    expect(outcome).toMatchObject({ kind: "not-processed", report: { outcome: "unauthorised", httpStatus: 401 } });
    expect(seen).toEqual(["Bearer old"]);
  });

  test("and another that is refused as well: two calls, no more", async () => {
    const { base, seen } = await serviceThatTakes("neither");
    const outcome = await clientOf(base, 10_000, sourceOf("new")).register(scans, traceId, never);
    expect(outcome).toMatchObject({ kind: "not-processed", report: { outcome: "unauthorised" } });
    expect(seen).toEqual(["Bearer old", "Bearer new"]);
  });
});

test("without a token from the endpoint the service is not called, and nothing is said against the service", async () => {
  let calls = 0;
  const base = await serve((_request, response) => {
    calls += 1;
    json(response, 200, allCreated);
  });
  const source = { token: async () => Promise.reject(new NoTokenError("the token endpoint does not answer", 2_500)) };
  expect(await clientOf(base, 10_000, source).register(scans, traceId, never)).toEqual({
    kind: "not-processed",
    retryAfterMs: 2_500,
    report: {
      outcome: "no-token",
      httpStatus: null,
      relatedTraceId: null,
      detail: "the token endpoint does not answer",
    },
  });
  expect(calls).toBe(0);
});
