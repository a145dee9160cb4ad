import { readFileSync, statSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Agent, type Dispatcher, request } from "undici";
import { afterEach, expect, test } from "vitest";
import { systemCode } from "../../base/errors.ts";
import { type Log, silentLog } from "../../base/log.ts";
import { parseHttpDate, systemTime, utcSecondsText } from "../../base/system-time.ts";
import { type Time, wallMs } from "../../base/time.ts";
import type { CallFault } from "./fault.ts";
import { bodyBytesMax } from "./registration-call.ts";
import { type ServiceSimulator, type ServiceSimulatorOptions, startServiceSimulator } from "./service-simulator.ts";

const now = wallMs(1_769_846_400_000);
const time: Time = { ...systemTime, wallMs: () => now };
const ssins = ["93051822361", "85011512355", "53480200724"] as const;
const cleanups: (() => PromiseLike<void>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

type Tried = {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly text: string;
  json(): unknown;
};

/** A simulator and a client of its own, both gone after the test. */
async function simulate(options: Partial<ServiceSimulatorOptions> = {}) {
  const simulator = await startServiceSimulator({ port: 0, log: silentLog, time, ...options });
  const agent = new Agent({ keepAliveTimeout: 60_000 });
  cleanups.push(() => simulator[Symbol.asyncDispose]());
  cleanups.push(() => agent.destroy());
  const send = async (url: string, more: Partial<Dispatcher.RequestOptions> = {}): Promise<Tried> => {
    const answer = await request(url, { dispatcher: agent, method: "GET", ...more });
    const text = await answer.body.text();
    return { status: answer.statusCode, headers: answer.headers, text, json: () => JSON.parse(text) };
  };
  const post = (url: string, body: string, headers: Record<string, string> = {}): Promise<Tried> =>
    send(url, { method: "POST", body, headers: { "content-type": "application/json", ...headers } });
  const register = (items: readonly object[], headers: Record<string, string> = {}): Promise<Tried> =>
    post(`${simulator.url}/presenceRegistrations/registerInBulk`, JSON.stringify({ items }), headers);
  return { simulator, send, post, register, agent };
}

function item(ssin: string = ssins[0], type: "IN" | "OUT" = "IN", secondsAgo = 10): object {
  return {
    registrationDate: utcSecondsText(wallMs(now - secondsAgo * 1000)),
    ssin,
    type,
    employer: { enterpriseNumber: "0566988259" },
    placeOfWork: { coordinates: { longitude: 4.35, latitude: 50.85 } },
    contractualRelationshipReference: "1Y1003SQ5VSSZ",
  };
}

function created(id: number, ...codes: readonly number[]): unknown {
  const remarks = codes.map((code) => ({ code, description: expect.any(String) }));
  return { createdPresenceRegistration: { id, validity: "pending", remarks } };
}

async function failureOf(attempt: Promise<unknown>): Promise<string> {
  try {
    await attempt;
    return "no failure";
  } catch (error) {
    return systemCode(error) ?? String(error);
  }
}

/** What a client of undici sees of a TCP reset, before the first byte and after it. */
const resetCodes = /^(ECONNRESET|UND_ERR_SOCKET)$/;

test("every item is answered in order, with its id and the remarks known at receipt", async () => {
  const { register, simulator } = await simulate({ receiptLimitMs: 3_600_000 });
  const answer = await register([
    item(ssins[0], "IN", 30),
    item(ssins[0], "IN", 20),
    item(ssins[0], "OUT", 10),
    item(ssins[0], "OUT", 5),
    item(ssins[1], "OUT"),
    item(ssins[2], "IN", 3600),
    item("90231512314"),
    item("97440936363", "IN", -5),
  ]);
  expect(answer.status).toBe(200);
  expect(answer.json()).toEqual({
    items: [
      created(1),
      created(2, 21),
      created(3),
      created(4, 22),
      created(5, 24),
      created(6, 32),
      created(7, 15),
      created(8, 32),
    ],
  });
  expect(
    simulator
      .registrations()
      .map(({ id, ssin }) => [id, ssin])
      .at(-1),
  ).toEqual([8, "97440936363"]);
  expect(simulator.registrationsOf(ssins[0]).map(({ type }) => type)).toEqual(["IN", "IN", "OUT", "OUT"]);
});

test("a registration can be looked up, with remarks that came later", async () => {
  const { register, send, simulator } = await simulate();
  await register([item(ssins[0], "OUT", 5)]);
  await register([item(ssins[0], "IN", 60)]);
  const found = await send(`${simulator.url}/presenceRegistrations/1`);
  expect(found.json()).toMatchObject({ id: 1, type: "OUT", validity: "pending", remarks: [] });
  expect((await send(`${simulator.url}/presenceRegistrations/3`)).status).toBe(404);
});

test("the service tells its own time and names the call", async () => {
  const { register, simulator } = await simulate({ clockOffsetMs: -60_000 });
  const answer = await register([item(ssins[0], "IN", 0)], { "belgov-trace-id": `${"t".repeat(36)}cut` });
  expect(answer.json()).toEqual({ items: [created(1, 32)] });
  expect(parseHttpDate(String(answer.headers["date"]))).toBe(now - 60_000);
  expect(answer.headers["belgov-related-trace-id"]).toBe("simulator-1");
  expect(simulator.calls()).toEqual([
    {
      callId: 1,
      call: "register",
      receivedMs: now - 60_000,
      traceId: "t".repeat(36),
      fault: null,
      delivery: "whole",
      status: 200,
      accepted: 1,
    },
  ]);
});

test("health is up without a token", async () => {
  const { send, simulator } = await simulate({ token: "secret" });
  expect((await send(`${simulator.url}/health`)).json()).toEqual({ status: "UP" });
});

test("one malformed item refuses the whole call and names it", async () => {
  const { register, simulator } = await simulate();
  const answer = await register([item(), { ...item(), ssin: "1" }]);
  expect(answer.headers["content-type"]).toBe("application/problem+json");
  expect(answer.json()).toMatchObject({
    type: "urn:problem-type:belgif:badRequest",
    status: 400,
    issues: [{ in: "body", name: "items[1].ssin" }],
  });
  expect(simulator.registrations()).toEqual([]);
});

test.each<[string, Partial<Dispatcher.RequestOptions> & { readonly at?: string }, number, string]>([
  ["a path that is not there", { at: "/nothing" }, 404, "resourceNotFound"],
  ["a wrong method", { method: "PUT", body: "{}" }, 405, "methodNotAllowed"],
  ["a body that is no JSON", { body: "{" }, 400, "badRequest"],
  ["another content type", { body: "{}", headers: { "content-type": "text/plain" } }, 415, "unsupportedMediaType"],
  ["a body past the limit", { body: " ".repeat(bodyBytesMax + 1) }, 413, "payloadTooLarge"],
  ["a body at the limit, which is no JSON", { body: " ".repeat(bodyBytesMax) }, 400, "badRequest"],
])("%s gets its problem", async (_, { at, ...options }, status, kind) => {
  const { send, simulator } = await simulate();
  const answer = await send(simulator.url + (at ?? "/presenceRegistrations/registerInBulk"), {
    method: "POST",
    headers: { "content-type": "application/json" },
    ...options,
  });
  expect(answer.json()).toMatchObject({ type: `urn:problem-type:belgif:${kind}`, status });
  expect(answer.status).toBe(status);
});

test("a path outside the service's base is not found", async () => {
  const { send, simulator } = await simulate();
  expect((await send(`http://127.0.0.1:${simulator.port}/health`)).status).toBe(404);
});

test("the bearer token is asked for, checked and taken", async () => {
  const { register, simulator } = await simulate({ token: "secret" });
  const without = await register([item()]);
  expect(without.json()).toMatchObject({ type: "urn:problem-type:belgif:noAccessToken", status: 401 });
  expect(without.headers["www-authenticate"]).toBe("Bearer");
  const wrong = await register([item()], { authorization: "Bearer guess" });
  expect(wrong.json()).toMatchObject({ type: "urn:problem-type:belgif:invalidAccessToken", status: 401 });
  expect(simulator.registrations()).toEqual([]);
  expect((await register([item()], { authorization: "Bearer secret" })).status).toBe(200);
});

test("a full simulator says so and keeps what it has", async () => {
  const { register, simulator } = await simulate({ registrationsMax: 2 });
  expect((await register([item(), item(ssins[1])])).status).toBe(200);
  expect((await register([item(ssins[2])])).status).toBe(503);
  expect(simulator.registrations()).toHaveLength(2);
});

test.each<[CallFault, number]>([
  [{ kind: "reset-before" }, 0],
  [{ kind: "reset-during-answer" }, 1],
  [{ kind: "reset-after-processing" }, 1],
])("$kind breaks the connection, registrations made: %i", async (fault, accepted) => {
  const { register, simulator } = await simulate();
  await simulator.setFault(fault);
  expect(await failureOf(register([item()]))).toMatch(resetCodes);
  expect(simulator.calls()).toMatchObject([{ fault: fault.kind, accepted }]);
  expect(simulator.registrations()).toHaveLength(accepted);
});

test("a reset during the answer comes after the head and half of the body", async () => {
  const { simulator, agent } = await simulate();
  await simulator.setFault({ kind: "reset-during-answer" });
  const answer = await request(`${simulator.url}/presenceRegistrations/registerInBulk`, {
    dispatcher: agent,
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ items: [item()] }),
  });
  expect(answer.statusCode).toBe(200);
  expect(await failureOf(answer.body.text())).toMatch(resetCodes);
});

test.each([
  [false, 0],
  [true, 1],
])("a time-out (processed: %s) is not answered until the client leaves", async (processed, accepted) => {
  const { register, simulator, agent } = await simulate();
  await simulator.setFault({ kind: "time-out", processed });
  const attempt = failureOf(register([item()]));
  await expect.poll(() => simulator.calls().length).toBe(1);
  await agent.destroy();
  expect(await attempt).toBe("UND_ERR_DESTROYED");
  expect(simulator.calls()).toMatchObject([{ delivery: "silence", status: null, accepted }]);
});

test("a throttled call says when to come back, in seconds or as a date", async () => {
  const { register, simulator } = await simulate();
  await simulator.setFault({
    kind: "throttle",
    problem: "tooManyRequests",
    retryAfter: { form: "seconds", seconds: 7 },
  });
  const first = await register([item()]);
  expect([first.status, first.headers["retry-after"]]).toEqual([429, "7"]);
  await simulator.setFault({
    kind: "throttle",
    problem: "tooManyFailedRequests",
    retryAfter: { form: "date", seconds: 7 },
  });
  const second = await register([item()]);
  expect(second.json()).toMatchObject({ type: "urn:problem-type:belgif:tooManyFailedRequests", status: 429 });
  expect(parseHttpDate(String(second.headers["retry-after"]))).toBe(now + 7000);
  await simulator.setFault({ kind: "throttle", problem: "tooManyRequests", retryAfter: null });
  expect((await register([item()])).headers["retry-after"]).toBeUndefined();
  expect(simulator.registrations()).toEqual([]);
});

test.each([500, 502, 503, 504] as const)("status %i comes before processing or after it", async (status) => {
  const { register, simulator } = await simulate();
  await simulator.setFaults([
    {
      fault: { kind: "server-error", status, processed: false, retryAfterSeconds: 3 },
      occurs: { kind: "next-calls", calls: 1 },
    },
    {
      fault: { kind: "server-error", status, processed: true, retryAfterSeconds: null },
      occurs: { kind: "next-calls", calls: 1 },
    },
  ]);
  const before = await register([item()]);
  expect(before.json()).toMatchObject({ status, title: expect.any(String) });
  expect([before.status, before.headers["retry-after"]]).toEqual([status, "3"]);
  expect(simulator.registrations()).toHaveLength(0);
  const after = await register([item()]);
  expect([after.status, after.headers["retry-after"]]).toEqual([status, undefined]);
  expect(simulator.registrations()).toHaveLength(1);
  expect((await register([item()])).status).toBe(200);
});

test("garbage comes in every form", async () => {
  const { register, simulator } = await simulate();
  const garbled = async (fault: CallFault): Promise<Tried> => {
    await simulator.setFault(fault, { kind: "next-calls", calls: 1 });
    return await register([item(ssins[0]), item(ssins[1]), item(ssins[2])]);
  };
  const html = await garbled({ kind: "garbage", form: "html" });
  expect([html.status, html.headers["content-type"]]).toEqual([200, "text/html; charset=utf-8"]);
  expect(simulator.registrations()).toHaveLength(0);
  expect(() => JSON.parse(html.text)).toThrow(SyntaxError);
  const half = await garbled({ kind: "garbage", form: "half-json" });
  expect(half.text).toMatch(/^\{"items":\[/);
  expect(() => JSON.parse(half.text)).toThrow(SyntaxError);
  expect((await garbled({ kind: "garbage", form: "wrong-shape" })).json()).toMatchObject({ items: { count: 1 } });
  expect((await garbled({ kind: "garbage", form: "reordered" })).json()).toEqual({
    items: [created(9, 21), created(8, 21), created(7, 21)],
  });
  expect((await garbled({ kind: "garbage", form: "fewer-items" })).json()).toEqual({
    items: [created(10, 21), created(11, 21)],
  });
  expect(simulator.registrations()).toHaveLength(12);
});

test("a slow answer arrives whole", async () => {
  const { register, simulator } = await simulate();
  await simulator.setFault({ kind: "slow", bytesPerChunk: 10, everyMs: 1 });
  expect((await register([item()])).json()).toEqual({ items: [created(1)] });
});

test("a huge answer has the size that was ordered and still holds the items", async () => {
  const { register, simulator } = await simulate();
  await simulator.setFault({ kind: "huge", bytes: 10_000_000 });
  const answer = await register([item()]);
  expect(answer.text).toHaveLength(10_000_000);
  expect(answer.json()).toMatchObject({ items: [created(1)] });
});

test("chosen workers are not created, the others are", async () => {
  const { register, simulator } = await simulate();
  await simulator.setFault({ kind: "not-created", ssins: [ssins[1]] });
  expect((await register([item(ssins[0]), item(ssins[1]), item(ssins[2])])).json()).toEqual({
    items: [
      created(1),
      { notCreatedPresenceRegistration: { code: expect.any(String), description: expect.any(String) } },
      created(2),
    ],
  });
  expect(simulator.registrationsOf(ssins[1])).toEqual([]);
});

test("while it refuses nobody can connect; afterwards it answers at the same address", async () => {
  const { register, simulator } = await simulate();
  await register([item()]);
  await simulator.setFault({ kind: "refuse", forMs: null });
  expect(await failureOf(register([item()]))).toBe("ECONNREFUSED");
  await simulator.clearFaults();
  expect((await register([item(ssins[1])])).status).toBe(200);
});

test("a refusal ends by itself, and resets the calls that were open when it began", async () => {
  const { register, simulator } = await simulate();
  await simulator.setFault({ kind: "time-out", processed: true });
  const waiting = failureOf(register([item()]));
  await expect.poll(() => simulator.registrations().length).toBe(1);
  await simulator.setFault({ kind: "refuse", forMs: 50 });
  expect(await waiting).toMatch(resetCodes);
  await expect.poll(() => failureOf(register([item()])), { timeout: 10_000 }).toBe("no failure");
});

test("faults are set, shown and cleared over HTTP", async () => {
  const { register, send, post, simulator } = await simulate();
  const fault = `${simulator.controlUrl}/fault`;
  const rules = [{ fault: { kind: "reset-before" }, occurs: { kind: "next-calls", calls: 2 } }];
  expect((await post(fault, JSON.stringify(rules[0]))).json()).toEqual({ rules });
  expect(await failureOf(register([item()]))).toMatch(resetCodes);
  expect((await send(fault)).json()).toEqual({ rules: [{ ...rules[0], occurs: { kind: "next-calls", calls: 1 } }] });
  expect((await send(fault, { method: "DELETE" })).json()).toEqual({ rules: [] });
  expect((await register([item()])).status).toBe(200);
  const refused = await post(fault, '{"fault":{"kind":"flood"}}');
  expect([refused.status, refused.json()]).toEqual([400, expect.objectContaining({ detail: expect.any(String) })]);
});

test("a refusal ordered over HTTP is answered first and ends by itself", async () => {
  const { send, post, simulator } = await simulate();
  const ordered = await post(`${simulator.controlUrl}/fault`, '{"fault":{"kind":"refuse","forMs":200}}');
  expect(ordered.json()).toEqual({ refuse: { kind: "refuse", forMs: 200 } });
  await expect.poll(() => failureOf(send(`${simulator.url}/health`)), { interval: 5 }).not.toBe("no failure");
  await expect.poll(() => failureOf(send(`${simulator.url}/health`)), { timeout: 10_000 }).toBe("no failure");
});

test("what it holds can be read page by page and counted over HTTP", async () => {
  const { register, send, simulator } = await simulate();
  await register([item(ssins[0]), item(ssins[1]), item(ssins[2])]);
  const first = await send(`${simulator.controlUrl}/registrations?limit=2`);
  expect(first.json()).toMatchObject({ items: [{ id: 1, ssin: ssins[0], callId: 1 }, { id: 2 }], total: 3, next: 2 });
  const second = await send(`${simulator.controlUrl}/registrations?limit=2&after=2`);
  expect(second.json()).toMatchObject({ items: [{ id: 3 }], next: null });
  expect((await send(`${simulator.controlUrl}/registrations?limit=10001`)).status).toBe(400);
  expect((await send(`${simulator.controlUrl}/stats`)).json()).toEqual({
    registrations: 3,
    workers: 3,
    calls: 1,
    callsWithRegistrations: 1,
    callsByFault: {},
    callsByStatus: { 200: 1 },
    callsByKind: { register: 1 },
    quotaViolations: 0,
    quotaRefusals: 0,
    failedCallsPeak: 0,
  });
  expect((await send(`${simulator.controlUrl}/calls`)).json()).toMatchObject({ items: [{ callId: 1, accepted: 3 }] });
  expect((await send(`${simulator.controlUrl}/registrations`, { method: "DELETE" })).json()).toEqual({ forgotten: 3 });
  expect(simulator.registrations()).toEqual([]);
  expect((await send(`${simulator.controlUrl}/nothing`)).status).toBe(404);
});

test("the journal has every registration, also of calls that were never answered, and is its owner's alone", async () => {
  const folder = await mkdtemp(join(tmpdir(), "badged-simulator-"));
  cleanups.push(() => rm(folder, { recursive: true }));
  const journalFile = join(folder, "journal.jsonl");
  const { register, simulator } = await simulate({ journalFile });
  await register([item(ssins[0]), item(ssins[1])]);
  await simulator.setFault({ kind: "reset-after-processing" });
  expect(await failureOf(register([item(ssins[2])]))).toMatch(resetCodes);
  const lines = readFileSync(journalFile, "utf8").trimEnd().split("\n");
  expect(lines.map((line) => JSON.parse(line))).toMatchObject(ssins.map((ssin, index) => ({ id: index + 1, ssin })));
  expect(statSync(journalFile).mode & 0o777).toBe(0o600);
});

test("no log line holds a national number", async () => {
  const lines: string[] = [];
  const keep = (fields: object, message: string): void => {
    lines.push(JSON.stringify(fields) + message);
  };
  const log: Log = { debug: keep, info: keep, warn: keep, error: keep, fatal: keep, child: () => log };
  const { register } = await simulate({ log });
  await register([item()]);
  await register([{ ...item(), type: "x" }]);
  expect(lines).toHaveLength(2);
  expect(lines.join()).not.toMatch(/\d{11}/);
});

test("a port that is taken is named", async () => {
  const { simulator } = await simulate();
  await expect(startServiceSimulator({ port: simulator.port, log: silentLog, time })).rejects.toMatchObject({
    code: "address-in-use",
    advice: expect.stringContaining("another simulator or demonstration may run there"),
    message: `127.0.0.1:${simulator.port} is taken by another program`,
  });
});

test("disposing resets what is open and frees the port for another", async () => {
  const { register, simulator } = await simulate();
  await simulator.setFault({ kind: "time-out", processed: false });
  const waiting = failureOf(register([item()]));
  await expect.poll(() => simulator.calls().length).toBe(1);
  await simulator[Symbol.asyncDispose]();
  expect(await waiting).toMatch(resetCodes);
  const next: ServiceSimulator = await startServiceSimulator({ port: simulator.port, log: silentLog, time });
  cleanups.push(() => next[Symbol.asyncDispose]());
  expect(next.port).toBe(simulator.port);
});
