import { expect, test } from "vitest";
import { wallMs } from "../../base/time.ts";
import { type Circumstances, inBeforeOutMs, remarksOf, wireRemarks } from "./remarks.ts";

const eight = wallMs(1_769_846_400_000);
const limitMs = 3_600_000;

const firstIn: Circumstances = {
  type: "IN",
  registrationMs: eight,
  receivedMs: wallMs(eight + 1000),
  ssinKnown: true,
  previousType: null,
  lastInMs: null,
};
const closingOut: Circumstances = {
  ...firstIn,
  type: "OUT",
  previousType: "IN",
  lastInMs: wallMs(eight - 3_600_000),
};

test.each<[string, Circumstances, readonly number[]]>([
  ["a first IN", firstIn, []],
  ["an OUT after its IN", closingOut, []],
  ["an IN after an OUT", { ...firstIn, previousType: "OUT" }, []],
  ["an unknown worker", { ...firstIn, ssinKnown: false }, [15]],
  ["an IN after an IN", { ...firstIn, previousType: "IN", lastInMs: wallMs(eight - 60_000) }, [21]],
  [
    "an IN after an IN of the week before",
    { ...firstIn, previousType: "IN", lastInMs: wallMs(eight - 7 * 864e5) },
    [21],
  ],
  ["an OUT after an OUT with an IN that day", { ...closingOut, previousType: "OUT" }, [22]],
  ["an OUT after an OUT without any IN", { ...closingOut, previousType: "OUT", lastInMs: null }, [22, 24]],
  ["an OUT that is the worker's first", { ...closingOut, previousType: null, lastInMs: null }, [24]],
  ["an OUT exactly 24 hours after the IN", { ...closingOut, lastInMs: wallMs(eight - inBeforeOutMs) }, []],
  ["an OUT a second past 24 hours", { ...closingOut, lastInMs: wallMs(eight - inBeforeOutMs - 1000) }, [24]],
  ["an OUT in the second of its IN", { ...closingOut, lastInMs: eight }, []],
  ["a receipt just within the limit", { ...firstIn, receivedMs: wallMs(eight + limitMs - 1) }, []],
  ["a receipt exactly at the limit", { ...firstIn, receivedMs: wallMs(eight + limitMs) }, [32]],
  ["a receipt past the limit", { ...firstIn, receivedMs: wallMs(eight + limitMs + 1) }, [32]],
  ["a receipt in the same millisecond", { ...firstIn, receivedMs: eight }, []],
  ["a registration in the future", { ...firstIn, receivedMs: wallMs(eight - 1) }, [32]],
  [
    "everything at once",
    { ...closingOut, ssinKnown: false, previousType: "OUT", lastInMs: null, receivedMs: wallMs(eight - 1) },
    [15, 22, 24, 32],
  ],
])("%s carries its remarks", (_, subject, remarks) => {
  expect(remarksOf(subject, limitMs)).toEqual(remarks);
});

test("without a known limit no receipt is too late, but the future still is", () => {
  expect(remarksOf({ ...firstIn, receivedMs: wallMs(eight + 365 * 864e5) }, null)).toEqual([]);
  expect(remarksOf({ ...firstIn, receivedMs: wallMs(eight - 1) }, null)).toEqual([32]);
});

test("a remark on the wire has its number and a sentence", () => {
  expect(wireRemarks([24])).toEqual([{ code: 24, description: "OUT without an IN in the 24 hours before." }]);
});
