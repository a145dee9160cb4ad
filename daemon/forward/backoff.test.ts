import fc from "fast-check";
import { expect, test } from "vitest";
import { backoffBaseMs, backoffMaxMs, backoffMs, retryAfterMaxMs } from "./backoff.ts";

const most = (): number => 1 - Number.EPSILON;

test.each([
  [1, backoffBaseMs],
  [2, 2 * backoffBaseMs],
  [5, 16 * backoffBaseMs],
  [9, 256 * backoffBaseMs],
  [10, backoffMaxMs],
  [5_000, backoffMaxMs],
])("after %d failures the wait is at most %d ms, and may be none", (failures, maxMs) => {
  expect(backoffMs(failures, null, most)).toBeCloseTo(maxMs, 3);
  expect(backoffMs(failures, null, () => 0)).toBe(0);
});

test("a Retry-After wins when it is longer, and only then", () => {
  expect(backoffMs(1, 30_000, most)).toBe(30_000);
  expect(backoffMs(9, 30_000, () => 0.5)).toBe(128_000);
});

test("a Retry-After of a year is believed for an hour", () => {
  expect(backoffMs(1, 365 * 86_400_000, most)).toBe(retryAfterMaxMs);
});

test("whatever comes, the wait is within its bounds", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1_000_000 }),
      fc.option(fc.integer({ min: -1_000, max: 2 ** 40 })),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (failures, retryAfterMs, chance) => {
        const waitMs = backoffMs(failures, retryAfterMs, () => chance);
        expect(waitMs).toBeGreaterThanOrEqual(Math.min(retryAfterMaxMs, Math.max(0, retryAfterMs ?? 0)));
        expect(waitMs).toBeLessThanOrEqual(Math.max(backoffMaxMs, retryAfterMaxMs));
        if (retryAfterMs === null) expect(waitMs).toBeLessThan(backoffMaxMs);
      },
    ),
  );
});
