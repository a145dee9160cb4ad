import { generateKeyPairSync, randomUUID } from "node:crypto";
import { SignJWT } from "jose";
import { Agent, request } from "undici";
import { afterEach, expect, test } from "vitest";
import { silentLog } from "../../base/log.ts";
import { systemTime, utcSecondsText } from "../../base/system-time.ts";
import { type Time, wallMs } from "../../base/time.ts";
import { ManualTime } from "../../testing/manual-time.ts";
import type { FaultRule } from "./fault.ts";
import { emptyRegisters } from "./registers.ts";
import { type ServiceSimulatorOptions, startServiceSimulator } from "./service-simulator.ts";

const now = wallMs(1_769_846_400_000);
const [ssin, other] = ["93051822361", "85011512355"] as const;
const cleanups: (() => PromiseLike<void>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function simulate(options: Partial<ServiceSimulatorOptions> = {}) {
  let elapsedMs = 0;
  const time: Time = { ...systemTime, wallMs: () => wallMs(now + elapsedMs) };
  const simulator = await startServiceSimulator({ port: 0, log: silentLog, time, ...options });
  const agent = new Agent();
  cleanups.push(() => simulator[Symbol.asyncDispose]());
  cleanups.push(() => agent.destroy());
  const send = async (method: "GET" | "POST" | "DELETE", url: string, body?: string, headers: object = {}) => {
    const type = body === undefined ? {} : { "content-type": "application/json" };
    const answer = await request(url, {
      dispatcher: agent,
      method,
      body: body ?? null,
      headers: { ...type, ...headers },
    });
    const text = await answer.body.text();
    return { status: answer.statusCode, text, headers: answer.headers, json: () => JSON.parse(text) };
  };
  const at = (path: string): string => `${simulator.url}/presenceRegistrations${path}`;
  return {
    simulator,
    send,
    register: (...items: readonly object[]) => send("POST", at("/registerInBulk"), JSON.stringify({ items })),
    get: (path: string, headers: object = {}) => send("GET", at(path), undefined, headers),
    control: (path: string, order: object) => send("POST", simulator.controlUrl + path, JSON.stringify(order)),
    at,
    pass: (ms: number) => {
      elapsedMs += ms;
    },
  };
}

function item(change: object = {}, secondsAgo = 10): object {
  return {
    registrationDate: utcSecondsText(wallMs(now - secondsAgo * 1000)),
    ssin,
    type: "IN",
    employer: { enterpriseNumber: "0566988259" },
    placeOfWork: { coordinates: { longitude: 4.35, latitude: 50.85 } },
    contractualRelationshipReference: "1Y1003SQ5VSSZ",
    ...change,
  };
}

const codesOf = (form: unknown): readonly number[] =>
  (form as { readonly remarks: readonly { readonly code: number }[] }).remarks.map(({ code }) => code);

test("a registration is pending until it has settled; what needs a look-up is remarked then", async () => {
  const { register, get, pass } = await simulate({ settleAfterMs: 30_000, receiptLimitMs: 5_000 });
  const answer = await register(item({ employer: { enterpriseNumber: "0566988258" } }), item({ ssin: other }, 1));
  expect(codesOf(answer.json().items[0].createdPresenceRegistration)).toEqual([32]);
  expect((await get("/1")).json()).toMatchObject({ id: 1, ssin, validity: "pending" });
  pass(29_999);
  expect((await get("/1")).json()).toMatchObject({ validity: "pending" });
  pass(1);
  const settled = (await get("/1")).json();
  expect([settled.validity, codesOf(settled)]).toEqual(["invalid", [4, 32]]);
  expect((await get("/2")).json()).toMatchObject({ validity: "valid", remarks: [] });
});

test("a worker's registrations are searched by time, both ends included", async () => {
  const { register, get } = await simulate();
  await register(item({}, 30), item({ type: "OUT" }, 20), item({}, 10), item({ ssin: other }, 20));
  const [from, to] = [utcSecondsText(wallMs(now - 30_000)), utcSecondsText(wallMs(now - 20_000))];
  const found = (await get(`?ssin=${ssin}&from=${from}&to=${to}`)).json();
  expect(found).toMatchObject({
    items: [
      { id: 1, type: "IN" },
      { id: 2, type: "OUT" },
    ],
    total: 2,
  });
  expect((await get(`?ssin=${ssin}`)).json()).toMatchObject({ total: 3 });
  expect((await get("?ssin=97440936363")).json()).toEqual({ items: [], total: 0 });
});

test("a search names its mistakes, without the number it was asked for", async () => {
  const { get } = await simulate();
  const answer = await get("?ssin=9023151231&from=yesterday");
  expect(answer.json()).toMatchObject({ status: 400, issues: [{ in: "query", name: "ssin" }, { name: "from" }] });
  expect(answer.text).not.toContain("9023151231");
});

test("a number that the register took is searched for, whatever its check digits", async () => {
  const { register, get } = await simulate();
  await register(item({ ssin: "90231512314" }));
  expect((await get("?ssin=90231512314")).json()).toMatchObject({ items: [{ remarks: [{ code: 15 }] }] });
});

test("a cancelled registration says so, and its history tells when", async () => {
  const { register, get, send, at } = await simulate();
  await register(item(), item({ ssin: other }));
  expect((await send("DELETE", at("/1"))).json()).toMatchObject({ id: 1, validity: "cancelled" });
  expect((await send("POST", at("/2/cancel"), "{}")).json()).toMatchObject({ id: 2, validity: "cancelled" });
  expect((await get("/1")).json()).toMatchObject({ validity: "cancelled" });
  expect((await get("/1/history")).json()).toMatchObject({ items: [{ action: "created" }, { action: "cancelled" }] });
  expect((await get("/3/history")).status).toBe(404);
  expect((await send("DELETE", at("/1/history"))).status).toBe(405);
});

test("the service's own trouble is remarked until the next night", async () => {
  const { register, get, control } = await simulate({ settleAfterMs: 0 });
  expect((await control("/trouble", { code: 35, forMs: 60_000 })).status).toBe(200);
  await register(item());
  expect(codesOf((await get("/1")).json())).toEqual([35]);
  expect((await get("/1")).json()).toMatchObject({ validity: "valid" });
  // It is 8:00 UTC, the night is at 2:00.
  await control("/clock", { offsetMs: 18 * 3_600_000 - 1 });
  expect(codesOf((await get("/1")).json())).toEqual([35]);
  await control("/clock", { offsetMs: 18 * 3_600_000 });
  expect(codesOf((await get("/1")).json())).toEqual([]);
  expect((await control("/trouble", { code: 36, forMs: 1 })).status).toBe(400);
});

test("what the service could not check it remarks after the night, and not before", async () => {
  const contracts = new Map<string, "active" | "inactive">();
  const declarations = new Map([["1Y1003SQ5VSSZ", { state: "active" as const, contracts }]]);
  const registers = { ...emptyRegisters, declarations };
  const { register, get, control, pass } = await simulate({ settleAfterMs: 0, registers });
  await control("/trouble", { code: 33, forMs: 60_000 });
  await register(item());
  expect(codesOf((await get("/1")).json())).toEqual([33]);
  pass(24 * 60 * 60 * 1000);
  expect(codesOf((await get("/1")).json())).toEqual([12]);
});

test("faults strike the calls they are aimed at, and no other", async () => {
  const { simulator, register, get } = await simulate();
  const failing = (aim: FaultRule["at"]): FaultRule => ({
    fault: { kind: "server-error", status: 503, processed: false, retryAfterSeconds: null },
    occurs: { kind: "always" },
    ...(aim === undefined ? {} : { at: aim }),
  });
  const statuses = async (): Promise<readonly number[]> => [
    (await register(item())).status,
    (await get("/1")).status,
    (await get(`?ssin=${ssin}`)).status,
  ];
  await simulator.clearFaults();
  await register(item());
  await simulator.setFaults([failing("search")]);
  expect(await statuses()).toEqual([200, 200, 503]);
  await simulator.setFaults([failing("get")]);
  expect(await statuses()).toEqual([200, 503, 200]);
  await simulator.setFaults([failing(undefined)]);
  expect(await statuses()).toEqual([503, 200, 200]);
  await simulator.setFaults([failing("any")]);
  expect(await statuses()).toEqual([503, 503, 503]);
});

test("an answer with unknown fields has them everywhere, and access can be refused in every way", async () => {
  const { simulator, register, get } = await simulate();
  await simulator.setFault({ kind: "garbage", form: "unknown-fields" });
  expect((await register(item())).json()).toMatchObject({
    newInThisVersion: {},
    items: [{ newInThisVersion: {}, createdPresenceRegistration: { newInThisVersion: {}, id: 1 } }],
  });
  await simulator.setFault({ kind: "unauthorised", problem: "missingScope" }, { kind: "always" }, "get");
  expect((await get("/1")).json()).toMatchObject({ status: 403, type: "urn:problem-type:belgif:missingScope" });
});

test("a registration can be told of as another one, under the id that was asked for", async () => {
  const { simulator, register, get } = await simulate();
  await register(item());
  await simulator.setFault({ kind: "garbage", form: "another-registration" }, { kind: "always" }, "get");
  const [told, { items }] = [(await get("/1")).json(), (await get(`?ssin=${ssin}`)).json()];
  expect(items).toMatchObject([{ id: 1, ssin, type: "IN", registrationDate: utcSecondsText(wallMs(now - 10_000)) }]);
  expect(told).toMatchObject({ id: 1, type: "OUT", registrationDate: utcSecondsText(wallMs(now - 86_410_000)) });
});

test("with a client every call needs one of its tokens", async () => {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const key = publicKey.export({ type: "spki", format: "pem" }).toString();
  const { simulator, send, get } = await simulate({ client: { id: "werf-1", key, tokenLifetimeSeconds: 60 } });
  expect((await get("/1")).json()).toMatchObject({ status: 401, type: "urn:problem-type:belgif:noAccessToken" });
  const assertion = await new SignJWT({
    iss: "werf-1",
    sub: "werf-1",
    aud: simulator.tokenUrl,
    jti: randomUUID(),
    iat: now / 1000,
    exp: now / 1000 + 120,
  })
    .setProtectedHeader({ alg: "RS256" })
    .sign(privateKey);
  const form = new URLSearchParams({
    grant_type: "client_credentials",
    client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    client_assertion: assertion,
  });
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  const token = (await send("POST", simulator.tokenUrl, form.toString(), headers)).json();
  expect(token.expires_in).toBe(60);
  const authorization = `Bearer ${token.access_token}`;
  expect((await get("/1", { authorization })).status).toBe(404);
  expect((await send("DELETE", `${simulator.controlUrl}/tokens`)).status).toBe(200);
  expect((await get("/1", { authorization })).json()).toMatchObject({
    type: "urn:problem-type:belgif:invalidAccessToken",
  });
  expect(simulator.calls().map(({ call, status }) => [call, status])).toEqual([
    ["get", 401],
    ["token", 200],
    ["get", 404],
    ["get", 401],
  ]);
});

test("a client without the right for a call gets 403, and nothing comes of it", async () => {
  const withoutRight = { register: "missingScope", search: "missingPermission" } as const;
  const { simulator, send, at, get } = await simulate({ token: "good", withoutRight });
  const authorization = "Bearer good";
  const body = JSON.stringify({ items: [item()] });
  const refusals = [
    await send("POST", at("/registerInBulk"), body, { authorization }),
    await get(`?ssin=${ssin}`, { authorization }),
    await send("POST", at("/registerInBulk"), body),
    await get("/1", { authorization }),
  ];
  expect(refusals.map((each) => [each.status, each.json().type])).toEqual([
    [403, "urn:problem-type:belgif:missingScope"],
    [403, "urn:problem-type:belgif:missingPermission"],
    [401, "urn:problem-type:belgif:noAccessToken"],
    [404, "urn:problem-type:belgif:resourceNotFound"],
  ]);
  expect(simulator.registrations()).toEqual([]);
});

test("without a client there is no token endpoint", async () => {
  const { simulator, send } = await simulate();
  expect((await send("POST", simulator.tokenUrl, "{}")).status).toBe(404);
});

test("too many calls are refused until the time that the answer names, and who comes back sooner is counted", async () => {
  const time = new ManualTime();
  const quota = { callsMax: 2, failedMax: null, windowMs: 10_000 };
  const { simulator, get } = await simulate({ quota, time: { ...systemTime, monotonicNs: () => time.monotonicNs() } });
  const statuses = [(await get(`?ssin=${ssin}`)).status, (await get(`?ssin=${ssin}`)).status];
  const refused = await get(`?ssin=${ssin}`);
  expect([...statuses, refused.status, refused.headers["retry-after"]]).toEqual([200, 200, 429, "10"]);
  expect(simulator.stats().quotaViolations).toBe(0);
  expect((await get(`?ssin=${ssin}`)).status).toBe(429);
  expect(simulator.stats().quotaViolations).toBe(1);
  await time.advance(10_000);
  expect((await get(`?ssin=${ssin}`)).status).toBe(200);
});

test("a fault waits for the next call that a quota lets in", async () => {
  const time = new ManualTime();
  const quota = { callsMax: 1, failedMax: null, windowMs: 10_000 };
  const { simulator, get } = await simulate({ quota, time: { ...systemTime, monotonicNs: () => time.monotonicNs() } });
  await get(`?ssin=${ssin}`);
  const fault = { kind: "server-error", status: 503, processed: false, retryAfterSeconds: null } as const;
  await simulator.setFault(fault, { kind: "next-calls", calls: 1 }, "search");
  expect((await get(`?ssin=${ssin}`)).status).toBe(429);
  expect([simulator.calls().at(-1)?.fault, simulator.stats().callsByFault]).toEqual([null, {}]);
  await time.advance(10_000);
  expect((await get(`?ssin=${ssin}`)).status).toBe(503);
});

test.each([
  { callsMax: 0, failedMax: null, windowMs: 60_000 },
  { callsMax: null, failedMax: 0, windowMs: 60_000 },
])("a quota of none (%o) is full for a whole window", async (quota) => {
  const { get } = await simulate({ quota });
  const { status, headers } = await get("/9");
  expect([status, headers["retry-after"]]).toEqual([429, "60"]);
});

test("failed calls have a quota of their own", async () => {
  const quota = { callsMax: null, failedMax: 2, windowMs: 60_000 };
  const { simulator, get } = await simulate({ quota });
  for (let call = 0; call < 2; call += 1) expect((await get("/9")).status).toBe(404);
  expect((await get(`?ssin=${ssin}`)).json()).toMatchObject({
    status: 429,
    type: "urn:problem-type:belgif:tooManyFailedRequests",
  });
  expect(simulator.stats()).toMatchObject({ failedCallsPeak: 2, quotaViolations: 0, quotaRefusals: 1 });
});

test("the page shows what was received, newest first, masked and escaped, without scripts", async () => {
  const { simulator, send, at } = await simulate();
  const address = { postCode: "9000", streetName: "<img src=x onerror=alert(1)>", houseNumber: "1" };
  const hostile = { ssin: other, employer: { foreignVatNumber: "<b>&'\"" }, placeOfWork: { address } };
  const body = JSON.stringify({ items: [item(), item(hostile)] });
  await send("POST", at("/registerInBulk"), body, { "belgov-trace-id": "<script>x</script>" });
  const page = await send("GET", `http://127.0.0.1:${simulator.port}/`);
  expect(page.headers["content-type"]).toBe("text/html; charset=utf-8");
  expect(page.text).toContain("93•••••••61");
  expect(page.text).toContain("&lt;b&gt;&amp;&#39;&quot;");
  expect(page.text).toContain("&lt;script&gt;");
  expect(page.text).toContain("<td>50.85, 4.35</td>");
  expect(page.text).toContain("<td>&lt;img src=x onerror=alert(1)&gt; 1, 9000</td>");
  expect(page.text).not.toMatch(/<script|\d{11}/);
  expect(page.text.indexOf("85•••••••55")).toBeLessThan(page.text.indexOf("93•••••••61"));
});
