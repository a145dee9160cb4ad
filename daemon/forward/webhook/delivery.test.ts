import { describe, expect, test } from "vitest";
import { wallMs } from "../../base/time.ts";
import type { HttpOutcome } from "../http-call.ts";
import type { WebhookScan } from "./cursor.ts";
import { deliveryBody, deliveryOutcomeOf, idempotencyKey } from "./delivery.ts";

const now = wallMs(1_769_842_931_250);
const scan = (scanId: number): WebhookScan => ({
  scanId,
  readerId: "gate",
  badgeNumber: "7E00000001",
  workerReference: "P1",
  direction: "in",
  utcMs: now,
  errorBoundMs: null,
  state: "waiting",
});

test("a delivery holds the scans, their time as text, and no field beside those it is said to have", () => {
  // A row of the store may carry more than its type says.
  const row = { ...scan(4), ssin: "93051822361" };
  expect(JSON.parse(deliveryBody("store-1", [row]))).toEqual({
    store: "store-1",
    scans: [
      {
        scanId: 4,
        readerId: "gate",
        badgeNumber: "7E00000001",
        workerReference: "P1",
        direction: "in",
        utc: "2026-01-31T07:02:11.250Z",
        errorBoundMs: null,
        state: "waiting",
      },
    ],
  });
});

test("the idempotency key names store, first and last scan, and is another for another body", () => {
  const keyOf = (storeId: string, ...scans: readonly WebhookScan[]): string =>
    idempotencyKey(storeId, scans, deliveryBody(storeId, scans));
  expect(keyOf("store-1", scan(4), scan(5), scan(9))).toMatch(/^store-1-4-9-[0-9a-f]{16}$/);
  expect(keyOf("store-1", scan(4))).toMatch(/^store-1-4-4-[0-9a-f]{16}$/);
  expect(keyOf("store-1", scan(4))).toBe(keyOf("store-1", scan(4)));
  expect(keyOf("store-1", { ...scan(4), state: "registered" })).not.toBe(keyOf("store-1", scan(4)));
});

describe("what an ending means for a delivery", () => {
  const answered = (status: number, headers: Record<string, string> = {}): HttpOutcome => ({
    kind: "answered",
    head: { status, headers },
    body: "who is 93051822361?",
  });

  test.each([
    [200, "accepted"],
    [204, "accepted"],
    [301, "failed"],
    [400, "refused"],
    [401, "failed"],
    [402, "failed"],
    [403, "failed"],
    [404, "failed"],
    [405, "failed"],
    [406, "failed"],
    [407, "failed"],
    [410, "failed"],
    [411, "failed"],
    [431, "failed"],
    [415, "failed"],
    [421, "failed"],
    [408, "failed"],
    [409, "refused"],
    [423, "refused"],
    [425, "failed"],
    [413, "refused"],
    [422, "refused"],
    [429, "failed"],
    [500, "failed"],
    [503, "failed"],
  ])("status %d: %s", (status, kind) => {
    expect(deliveryOutcomeOf(answered(status), now).kind).toBe(kind);
  });

  test("a refusal keeps the receiver's words, without numbers", () => {
    expect(deliveryOutcomeOf(answered(422), now)).toMatchObject({ reason: "status 422: who is [number removed]?" });
  });

  test("a refusal of megabytes is one: the longest answer that is read, printed with a table of moments", () => {
    const body = "2026-01-31 07:02:11, ".repeat(195_000);
    const http: HttpOutcome = { kind: "answered", head: { status: 400, headers: {} }, body };
    expect(deliveryOutcomeOf(http, now)).toEqual({ kind: "refused", reason: "status …", httpStatus: 400 });
  });

  test("a Retry-After is kept", () => {
    expect(deliveryOutcomeOf(answered(429, { "retry-after": "7" }), now)).toMatchObject({ retryAfterMs: 7_000 });
  });

  test("no connection and a broken one are failures", () => {
    const notSent: HttpOutcome = { kind: "not-sent", cause: "not-connected", detail: "ECONNREFUSED" };
    const broken: HttpOutcome = { kind: "broken-off", cause: "timed-out", detail: "late", head: null };
    expect(deliveryOutcomeOf(notSent, now)).toMatchObject({ kind: "failed", detail: "ECONNREFUSED" });
    expect(deliveryOutcomeOf(broken, now)).toMatchObject({ kind: "failed", detail: "late" });
  });
});

test.each([
  ["too-long", 200, "accepted"],
  ["too-long", 422, "refused"],
  ["too-long", 503, "failed"],
  ["timed-out", 200, "failed"],
  ["connection-lost", 200, "failed"],
  ["timed-out", 422, "refused"],
  ["connection-lost", 500, "failed"],
] as const)("an answer that was broken off, %s, with status %d: %s", (cause, status, kind) => {
  const http: HttpOutcome = { kind: "broken-off", cause, detail: "cut", head: { status, headers: {} } };
  expect(deliveryOutcomeOf(http, now).kind).toBe(kind);
});

test("a Retry-After holds when the body behind it was cut off", () => {
  const head = { status: 503, headers: { "retry-after": "600" } };
  const http = { kind: "broken-off", cause: "connection-lost", detail: "", head } as const;
  expect(deliveryOutcomeOf(http, wallMs(0))).toMatchObject({ kind: "failed", retryAfterMs: 600_000 });
});

test.each([409, 423])("a %i that names a time is asked again then", (status) => {
  const head = { status, headers: { "retry-after": "30" } };
  expect(deliveryOutcomeOf({ kind: "answered", head, body: "" }, wallMs(0))).toMatchObject({
    kind: "failed",
    retryAfterMs: 30_000,
  });
});
