import { expect, test } from "vitest";
import { wallMs } from "../base/time.ts";
import { withholdAtOrBefore } from "./receipt-limit.ts";

const now = wallMs(1_780_000_000_000);

test.each([
  ["an hour has a margin of six minutes", 3_600_000, 54 * 60_000],
  ["a minute has the smallest margin, seconds", 60_000, 54_000],
  ["twenty seconds keep five for the call", 20_000, 15_000],
])("%s", (_, limitMs, beforeMs) => {
  expect(withholdAtOrBefore(now, limitMs)).toBe(now - beforeMs);
});

test("nothing is withheld while no limit is known", () => {
  expect(withholdAtOrBefore(now, null)).toBeNull();
});

test("a limit below the margin withholds everything that is not from the future", () => {
  expect(withholdAtOrBefore(now, 1_000)).toBe(now + 4_000);
});
