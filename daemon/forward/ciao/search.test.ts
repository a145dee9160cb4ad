import { describe, expect, test } from "vitest";
import { wallMs } from "../../base/time.ts";
import { dueScan } from "../../testing/memory-queue.ts";
import { searchOutcomeOf } from "./search.ts";

const now = wallMs(1_780_000_000_000);
const scan = dueScan({ scanId: 1, worker: 1, utcMs: now });
const same = { id: 7, registrationDate: "2026-05-28T20:26:40Z", type: "IN", ssin: scan.ssin, remarks: [] };
const earlier = { ...same, id: 6, registrationDate: "2026-05-28T05:00:00Z" };

function found(answer: object, status = 200) {
  const head = { status, headers: { "content-type": "application/json" } };
  return searchOutcomeOf({ kind: "answered", head, body: JSON.stringify(answer) }, scan, now).kind;
}

describe("that a registration is missing is concluded from", () => {
  test.each<[string, object]>([
    ["an empty list", { items: [] }],
    ["the other direction of the same second", { items: [{ ...same, type: "OUT" }] }],
    ["moments that were not asked for, when their number says that they are all", { items: [earlier], total: 1 }],
  ])("%s", (_, answer) => expect(found(answer)).toBe("not-found"));
});

describe("nothing is concluded from", () => {
  test.each<[string, object]>([
    ["moments that were not asked for, of which there may be more", { items: [earlier] }],
    ["another worker's registrations", { items: [{ ...same, ssin: "90010100123" }], total: 1 }],
    ["another worker's, whose number is hidden in part", { items: [{ ...same, ssin: "*******0123" }], total: 1 }],
    ["a part of them", { items: [earlier], total: 2 }],
    ["a number that is none", { items: [], total: "3" }],
    ["a number below none", { items: [], total: -1 }],
    ["a registration without its moment", { items: [{ id: 7, type: "IN" }] }],
  ])("%s", (_, answer) => expect(found(answer)).toBe("failed"));
});

test.each([202, 206])("a %i with an empty list is not all of the answer", (status) => {
  expect(found({ items: [] }, status)).toBe("failed");
});

test.each([
  [400, "refused"],
  [403, "refused"],
  [404, "refused"],
  [422, "refused"],
  [301, "not-to-be-had"],
  [405, "not-to-be-had"],
  [501, "not-to-be-had"],
  [500, "failed"],
])("%i is %s", (status, kind) => {
  expect(found({}, status)).toBe(kind);
});

test("a registration of this worker, second and direction is found among others", () => {
  expect(found({ items: [earlier, same] })).toBe("found");
});

test.each([
  ["with points and hyphens", scan.ssin.replace(/^(..)(..)(..)(...)(..)$/, "$1.$2.$3-$4.$5")],
  ["hidden in part", `*******${scan.ssin.slice(7)}`],
])("a registration whose worker is told %s is found", (_, ssin) => {
  expect(found({ items: [{ ...same, ssin }] })).toBe("found");
  expect(found({ items: [{ ...same, ssin, type: "OUT" }] })).toBe("not-found");
});

test.each<[string, string | null]>([
  ["hidden altogether", "***********"],
  ["not told", null],
])("one whose worker is %s may be another's of the same second, and neither is nor rules out his", (_, ssin) => {
  expect(found({ items: [{ ...same, ssin }], total: 1 })).toBe("failed");
  expect(found({ items: [{ ...same, ssin, type: "OUT" }] })).toBe("not-found");
  expect(found({ items: [{ ...same, ssin }, same] })).toBe("found");
});

test.each([429, 503])("a %i whose body broke off keeps the time that it asked for", (status) => {
  const head = { status, headers: { "retry-after": "90" } };
  const http = { kind: "broken-off", cause: "connection-lost", detail: "reset", head } as const;
  expect(searchOutcomeOf(http, scan, now)).toMatchObject({ kind: "failed", retryAfterMs: 90_000 });
});
