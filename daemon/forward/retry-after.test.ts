import fc from "fast-check";
import { expect, test } from "vitest";
import { httpDateText } from "../base/system-time.ts";
import { wallMs } from "../base/time.ts";
import { retryAfterMs } from "./retry-after.ts";

const now = wallMs(1_769_842_931_000);

test.each([
  ["seconds", "120", null, 120_000],
  ["none to wait", "0", null, 0],
  ["seconds of a millennium", "99999999999", null, 99_999_999_999_000],
  ["more digits than a number has", "9".repeat(400), null, Number.MAX_SAFE_INTEGER],
  ["a date", "Sat, 31 Jan 2026 07:03:11 GMT", null, 60_000],
  ["a date that has passed", "Sat, 31 Jan 2026 07:01:11 GMT", null, 0],
  [
    "a date by the clock of a service that is ahead of ours",
    "Sat, 31 Jan 2026 09:03:11 GMT",
    "Sat, 31 Jan 2026 09:02:41 GMT",
    30_000,
  ],
  ["a date beside a Date that is none", "Sat, 31 Jan 2026 07:03:11 GMT", "yesterday", 60_000],
  ["nothing", null, null, null],
  ["an empty text", "", null, null],
  ["a fraction", "1.5", null, null],
  ["a negative number", "-1", null, null],
  ["words", "soon", null, null],
])("%s", (_, text, answered, expected) => {
  expect(retryAfterMs(text, answered, now)).toBe(expected);
});

test("every whole second written as a date is read back", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 10_000_000 }), (seconds) => {
      expect(retryAfterMs(httpDateText(wallMs(now + seconds * 1000)), null, now)).toBe(seconds * 1000);
    }),
  );
});

test("no text makes it throw or wait a negative time", () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (text, answered) => {
      expect(retryAfterMs(text, answered, now) ?? 0).toBeGreaterThanOrEqual(0);
    }),
  );
});
