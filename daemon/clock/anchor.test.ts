import { describe, expect, test } from "vitest";
import { present } from "../base/assert.ts";
import { parseUtcText } from "../base/system-time.ts";
import { monotonicNs } from "../base/time.ts";
import { type Anchor, boundAt, consistent, monthOf, utcAt } from "./anchor.ts";
import { laterBy, nsPerMs, nsPerSecond, type UtcNs, utcNsOfWall } from "./utc.ts";

function utc(text: string): UtcNs {
  return utcNsOfWall(present(parseUtcText(text), text));
}

/** An anchor made at `text`, 1000 s after boot, ± 5 ms. */
function anchorAt(text: string, change: Partial<Anchor> = {}): Anchor {
  const atNs = monotonicNs(1000n * nsPerSecond);
  return {
    syncId: "boot/1",
    bootId: "boot",
    basis: "quorum",
    atNs,
    thetaNs: utc(text) - atNs,
    boundNs: 5n * nsPerMs,
    oldestSampleNs: atNs,
    leapAnnounced: false,
    ...change,
  };
}

test("the bound grows with ρ on both sides of the anchor, rounded up", () => {
  const anchor = anchorAt("2026-03-14T12:00:00Z");
  expect(boundAt(anchor, anchor.atNs, 15)).toBe(5n * nsPerMs);
  expect(boundAt(anchor, laterBy(anchor.atNs, 1n), 15)).toBe(5n * nsPerMs + 1n);
  expect(boundAt(anchor, laterBy(anchor.atNs, 100n * nsPerSecond), 15)).toBe(6_500_000n);
  expect(boundAt(anchor, laterBy(anchor.atNs, -100n * nsPerSecond), 100)).toBe(15n * nsPerMs);
});

test("UTC is the monotonic moment plus θ", () => {
  const anchor = anchorAt("2026-03-14T12:00:00Z");
  expect(utcAt(anchor, laterBy(anchor.atNs, -nsPerSecond))).toBe(utc("2026-03-14T11:59:59Z"));
});

test("two anchors are consistent as long as their intervals touch", () => {
  const anchor = anchorAt("2026-03-14T12:00:00Z");
  const touching = { ...anchor, thetaNs: anchor.thetaNs + 10n * nsPerMs };
  expect(consistent(anchor, touching, anchor.atNs, 15)).toBe(true);
  expect(consistent(anchor, { ...touching, thetaNs: touching.thetaNs + 1n }, anchor.atNs, 15)).toBe(false);
});

describe("over a possible leap second the bound is a second more", () => {
  test.each([
    ["2026-12-31T23:50:00Z", false, "2026-12-31T23:59:59Z", false],
    ["2026-12-31T23:50:00Z", false, "2027-01-01T00:00:01Z", true],
    ["2026-06-30T23:50:00Z", false, "2026-07-01T00:00:01Z", true],
    ["2026-07-01T00:10:00Z", false, "2026-06-30T23:59:59Z", true],
    ["2026-07-01T00:10:00Z", false, "2026-07-31T23:00:00Z", false],
    ["2026-10-31T23:50:00Z", false, "2026-11-01T00:00:01Z", false],
    ["2026-10-31T23:50:00Z", true, "2026-11-01T00:00:01Z", true],
    ["2026-10-31T23:50:00Z", true, "2026-10-31T23:59:59Z", false],
  ])("anchor %s (announced: %s), stamp %s: %s", (at, leapAnnounced, stamped, wider) => {
    const anchor = anchorAt(at, { leapAnnounced });
    const atNs = monotonicNs(utc(stamped) - anchor.thetaNs);
    expect(boundAt(anchor, atNs, 0) - anchor.boundNs).toBe(wider ? nsPerSecond : 0n);
  });

  test("a sample from before it counts, though the anchor is from after it", () => {
    const anchor = anchorAt("2027-01-01T00:00:02Z");
    const mixed = { ...anchor, oldestSampleNs: laterBy(anchor.atNs, -4n * nsPerSecond) };
    expect(boundAt(anchor, anchor.atNs, 15)).toBe(5n * nsPerMs);
    expect(boundAt(mixed, anchor.atNs, 15)).toBe(5n * nsPerMs + nsPerSecond);
  });

  test("a leap second at the end of a month leaves a stamp of the old θ within its bound", () => {
    const anchor = anchorAt("2026-12-31T23:50:00Z", { leapAnnounced: true });
    const inserted = laterBy(anchor.atNs, 601n * nsPerSecond + nsPerSecond);
    const truth = utc("2027-01-01T00:00:01Z");
    const off = utcAt(anchor, inserted) - truth;
    expect(off).toBe(nsPerSecond);
    expect(off).toBeLessThanOrEqual(boundAt(anchor, inserted, 15));
  });
});

test.each([
  ["1970-01-01T00:00:00Z", 1970 * 12],
  ["1969-12-31T23:59:59Z", 1969 * 12 + 11],
  ["2024-02-29T23:59:59Z", 2024 * 12 + 1],
  ["2024-03-01T00:00:00Z", 2024 * 12 + 2],
  ["2026-12-31T23:59:59Z", 2026 * 12 + 11],
  ["2027-01-01T00:00:00Z", 2027 * 12],
  ["2100-02-28T23:59:59Z", 2100 * 12 + 1],
  ["2100-03-01T00:00:00Z", 2100 * 12 + 2],
])("%s is in month %i", (text, month) => {
  expect(monthOf(utc(text))).toBe(month);
});
