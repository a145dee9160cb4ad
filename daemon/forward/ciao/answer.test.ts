import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { wallMs } from "../../base/time.ts";
import { dueScan } from "../../testing/memory-queue.ts";
import type { HttpOutcome } from "../http-call.ts";
import type { CallOutcome } from "../upstream.ts";
import { callOutcomeOf } from "./answer.ts";
import { remarksMax } from "./answer-items.ts";

const now = wallMs(1_780_000_000_000);
const scans = [1, 2].map((id) => dueScan({ scanId: id, worker: id, utcMs: now }));

const read = (status: number, body: string, headers: Record<string, string> = {}): CallOutcome =>
  callOutcomeOf({ kind: "answered", head: { status, headers }, body }, scans, now);
const readItem = (item: unknown): unknown => {
  const outcome = read(200, JSON.stringify({ items: [item, { notCreatedPresenceRegistration: {} }] }));
  return outcome.kind === "answered" ? outcome.items[0] : outcome.kind;
};
const createdItem = (fields: object): unknown => readItem({ createdPresenceRegistration: { id: 1, ...fields } });

describe("a created item", () => {
  test.each<[string, object, object]>([
    ["with a number", { id: 17611, validity: "pending" }, { registrationId: "17611", validity: "pending" }],
    ["with a text for its id", { id: "a-1" }, { registrationId: "a-1" }],
    ["with fields that nobody told of", { extra: { deep: 1 }, id: 3 }, { registrationId: "3", remarks: [] }],
    ["with null for its remarks", { remarks: null }, { remarks: [] }],
    ["with one remark in no list", { remarks: { code: 32, text: "late" } }, { remarks: [{ code: 32, text: "late" }] }],
    ["with one remark's words in no list", { remarks: "late" }, { remarks: [{ code: null, text: "late" }] }],
    ["with an empty object for its remarks", { remarks: {} }, { remarks: [] }],
    ["with an empty text for its remarks", { remarks: " " }, { remarks: [] }],
    ["with another validity", { validity: "valid" }, { validity: "valid" }],
    ["without a validity", {}, { validity: "pending" }],
  ])("%s", (_, fields, expected) => {
    expect(createdItem(fields)).toMatchObject({ kind: "created", ...expected });
  });

  test("with remarks in any form that makes sense", () => {
    const remarks = [21, "22", { code: "32", description: "too late" }, { code: 15, text: "who?" }, "words", { a: 1 }];
    expect(createdItem({ remarks })).toMatchObject({
      remarks: [
        { code: 21, text: "" },
        { code: 22, text: "22" },
        { code: 32, text: "too late" },
        { code: 15, text: "who?" },
        { code: null, text: "words" },
        { code: null, text: '{"a":1}' },
      ],
    });
  });

  test("with a national number where a remark's code should be keeps none of it", () => {
    const remarks = [93_051_822_361, { code: 93_051_822_361, description: "unknown" }, -1, 10_000];
    expect(JSON.stringify(createdItem({ remarks }))).not.toMatch(/\d{5}/);
  });

  test("with a remark of megabytes is created all the same", () => {
    const description = "2026-01-31 07:02:11, ".repeat(195_000);
    expect(createdItem({ remarks: [{ code: 37, description }] })).toMatchObject({
      kind: "created",
      remarks: [{ code: 37, text: "…" }],
    });
  });

  test("with a remark that is nested too deep to be written down is created all the same", () => {
    const remark = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
    const created = `{"createdPresenceRegistration":{"id":1,"remarks":[${remark},32]}}`;
    expect(read(200, `{"items":[${created},{}]}`)).toMatchObject({
      kind: "answered",
      items: [
        {
          kind: "created",
          remarks: [
            { code: null, text: "" },
            { code: 32, text: "" },
          ],
        },
        { kind: "unanswered" },
      ],
    });
  });

  test("with more remarks than there are is cut", () => {
    const remarks = Array.from({ length: remarksMax + 1 }, (_, code) => code);
    expect((createdItem({ remarks }) as { remarks: unknown[] }).remarks).toHaveLength(remarksMax);
  });

  test.each([{ id: null }, { id: "" }, { id: 2 ** 60 }, { id: {} }])(
    "without a usable id is no answer: %j",
    (fields) => {
      expect(createdItem(fields)).toEqual({ kind: "unanswered" });
    },
  );
});

describe("an item that was not created is refused with", () => {
  test.each<[string, unknown, string]>([
    ["its code and words", { code: "E7", description: "not his employer" }, "E7: not his employer"],
    ["its title", { title: "Unknown worker" }, "Unknown worker"],
    ["its remarks", { remarks: [{ code: 15, description: "unknown SSIN" }] }, "15: unknown SSIN"],
    ["its issues", { issues: [{ detail: "ssin 93.05.18-223.61 is unknown" }] }, "ssin [number removed] is unknown"],
    ["the names of its fields", { state: 1, when: 2 }, "the service did not create it; its answer holds state, when"],
    ["no reason", {}, "the service did not create it; its answer holds no reason"],
    ["a text", "not his employer", "not his employer"],
    ["a list", [{ code: 15, description: "unknown SSIN" }, "blocked"], "15: unknown SSIN; blocked"],
    ["a plain yes", true, "the service did not create it; its answer holds no reason"],
  ])("%s", (_, fields, reason) => {
    expect(readItem({ notCreatedPresenceRegistration: fields })).toEqual({ kind: "refused", reason });
  });

  test.each([[null], [[]], [" "], [0], [false]])("not when it is %j", (notCreatedPresenceRegistration) => {
    expect(readItem({ notCreatedPresenceRegistration })).toEqual({ kind: "unanswered" });
  });

  test("not when it was created as well", () => {
    const both = { createdPresenceRegistration: { id: 1 }, notCreatedPresenceRegistration: { title: "no" } };
    expect(readItem(both)).toEqual({ kind: "unanswered" });
    const unreadable = { createdPresenceRegistration: { id: {} }, notCreatedPresenceRegistration: {} };
    expect(readItem(unreadable)).toEqual({ kind: "unanswered" });
  });
});

test.each(["", "  "])("a validity of %j is none, and settles nothing", (validity) => {
  expect(createdItem({ id: 1, validity })).toMatchObject({ kind: "created", validity: "pending" });
});

test("the validity is read in capitals as well", () => {
  expect(createdItem({ id: 1, validity: " PENDING " })).toMatchObject({ kind: "created", validity: "pending" });
});

test.each([
  ["hidden in part", (ssin: string) => `*******${ssin.slice(7)}`],
  ["with points and hyphens", (ssin: string) => ssin.replace(/^(..)(..)(..)(...)(..)$/, "$1.$2.$3-$4.$5")],
])("registrations whose worker is told %s are registered, not left in doubt and sent again", (_, told) => {
  const items = scans.map(({ ssin }, index) => ({
    createdPresenceRegistration: { id: 100 + index, validity: "pending", remarks: [], ssin: told(ssin) },
  }));
  expect(read(200, JSON.stringify({ items }))).toMatchObject({
    kind: "answered",
    items: [{ registrationId: "100" }, { registrationId: "101" }],
  });
});

test("an answer about some scans says about how many it is silent", () => {
  const outcome = read(200, JSON.stringify({ items: [{ createdPresenceRegistration: { id: 1 } }, {}] }));
  expect(outcome).toMatchObject({ kind: "answered", report: { detail: "answer does not speak of 1 of 2 scans" } });
});

test("any success is read, any other answer is in doubt", () => {
  const body = JSON.stringify({ items: [1, 2].map((id) => ({ createdPresenceRegistration: { id } })) });
  for (const status of [200, 201, 207]) expect(read(status, body).kind).toBe("answered");
  for (const status of [204, 300, 304, 500, 599]) expect(read(status, "").kind).toBe("ambiguous");
});

test.each([
  ['{"registrations":[{"id":1}]}', true],
  ["<html>maintenance</html>", undefined],
  ["", true],
])("a success of %j is an answer that cannot be read: %s", (body, isUnread) => {
  expect(read(200, body)).toMatchObject({ kind: "ambiguous" });
  expect((read(200, body) as { readonly isUnread?: true }).isUnread).toBe(isUnread);
});

test("409 and 422 are read as 400 is", () => {
  const body = JSON.stringify({ issues: [{ name: "items[1].type", title: "no such type" }] });
  for (const status of [400, 409, 422]) {
    expect(read(status, body)).toMatchObject({
      kind: "refused",
      culprits: [{ index: 1, reason: "type: no such type" }],
    });
  }
});

test.each([429, 503, 504])("a %i whose body broke off keeps the time that it asked for", (status) => {
  const head = { status, headers: { "retry-after": "600" } };
  const outcome = callOutcomeOf({ kind: "broken-off", cause: "connection-lost", detail: "reset", head }, scans, now);
  expect(outcome).toMatchObject({ retryAfterMs: 600_000 });
});

test("whatever comes back, the outcome has a name, one item for each scan, and no national number", () => {
  const ssin = scans[0]?.ssin ?? "";
  const anything = fc.oneof(
    fc.string(),
    fc.json(),
    fc.constantFrom(
      JSON.stringify({ items: [{ ssin, notCreatedPresenceRegistration: { description: `who is ${ssin}?` } }] }),
      JSON.stringify({ title: `bad ${ssin}`, issues: [{ name: `items[0].${ssin}`, detail: ssin, value: ssin }] }),
      JSON.stringify({
        items: [{ createdPresenceRegistration: { id: 1, validity: ssin, remarks: [ssin, { text: ssin }] } }],
      }),
    ),
  );
  const headers = fc.record({ "retry-after": fc.string(), "belgov-related-trace-id": fc.constantFrom(ssin, "x") });
  const head = fc.record({ status: fc.integer({ min: 200, max: 599 }), headers });
  const http: fc.Arbitrary<HttpOutcome> = fc.oneof(
    fc.record({ kind: fc.constant("answered" as const), head, body: anything }),
    fc.record({
      kind: fc.constant("broken-off" as const),
      cause: fc.constantFrom("timed-out", "connection-lost", "too-long", "not-http", "interrupted"),
      detail: fc.constant(`at ${ssin}`),
      head: fc.option(head),
    }),
  );
  fc.assert(
    fc.property(http, (ending) => {
      const outcome = callOutcomeOf(ending, scans, now);
      if (outcome.kind === "answered") expect(outcome.items).toHaveLength(scans.length);
      if (outcome.kind === "refused") expect(outcome.reason).not.toBe("");
      expect(JSON.stringify(outcome)).not.toContain(ssin);
    }),
    { numRuns: 500 },
  );
});
