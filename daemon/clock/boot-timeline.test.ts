import { describe, expect, test } from "vitest";
import { monotonicNs } from "../base/time.ts";
import type { Anchor } from "./anchor.ts";
import {
  anchorsOfBootMax,
  type BootTimeline,
  breaksMax,
  nothingKnown,
  provenAt,
  sleptSinceMs,
  withAnchor,
  withBreak,
} from "./boot-timeline.ts";
import type { TimeBreak } from "./stamping.ts";
import { nsPerMs, nsPerSecond } from "./utc.ts";

const bootId = "boot";
const rates = { synchronisedPpm: 15, holdoverPpm: 100 };
const seconds = (value: number) => monotonicNs(BigInt(value) * nsPerSecond);

function anchorAt(atS: number, sleptS = 0): Anchor {
  return {
    syncId: `boot/${atS}`,
    bootId,
    basis: "quorum",
    atNs: seconds(atS),
    thetaNs: 1_773_489_600n * nsPerSecond + BigInt(sleptS) * nsPerSecond,
    boundNs: 5n * nsPerMs,
    oldestSampleNs: seconds(atS),
    leapAnnounced: false,
  };
}

function slept(sinceS: number, atS: number, forS: number): TimeBreak {
  return { kind: "suspend", sinceNs: seconds(sinceS), atNs: seconds(atS), forMs: forS * 1000 };
}

const at = (timeline: BootTimeline, atS: number) => provenAt(timeline, { bootId, monotonicNs: seconds(atS) }, rates);

describe("a moment beside a sleep of an hour", () => {
  const timeline: BootTimeline = { anchors: [anchorAt(10), anchorAt(200, 3600)], breaks: [slept(100, 101, 3600)] };
  const utcMs = (monoS: number, sleptS: number) => 1_773_489_600_000 + (monoS + sleptS) * 1000;

  test.each([
    [20, utcMs(20, 0)],
    [190, utcMs(190, 3600)],
  ])("is of the anchor on its own side: %i s", (atS, expectedMs) => {
    expect(at(timeline, atS)).toMatchObject({ utcMs: expectedMs, errorBoundMs: expect.closeTo(6, 0) });
  });

  test("lies between both where it is in it", () => {
    const found = at(timeline, 100);
    expect((found?.utcMs ?? 0) - (found?.errorBoundMs ?? 0)).toBeLessThanOrEqual(utcMs(100, 0));
    expect((found?.utcMs ?? 0) + (found?.errorBoundMs ?? 0)).toBeGreaterThanOrEqual(utcMs(100, 3600));
    expect(found?.errorBoundMs).toBeLessThan(1_800_100);
  });

  test("is not known where nothing was proven on its side", () => {
    expect(at({ ...timeline, anchors: timeline.anchors.slice(1) }, 20)).toBeNull();
    expect(at({ ...timeline, anchors: timeline.anchors.slice(0, 1) }, 190)).toBeNull();
    expect(at(nothingKnown, 20)).toBeNull();
  });
});

test("only sleep that came wholly after a moment is known to have", () => {
  const timeline = { anchors: [], breaks: [slept(10, 11, 60), slept(20, 21, 600)] };
  expect([5, 10, 15, 20, 25].map((atS) => sleptSinceMs(timeline, seconds(atS)))).toEqual([
    660_000, 660_000, 600_000, 600_000, 0,
  ]);
});

test("more breaks than are kept leave none forgotten, and more anchors leave the latest", () => {
  let timeline = nothingKnown;
  for (let each = 0; each < breaksMax + 5; each += 1)
    timeline = withBreak(timeline, slept(each * 10, each * 10 + 1, 60));
  expect(timeline.breaks).toHaveLength(breaksMax);
  expect(timeline.breaks[0]).toMatchObject({ kind: "contradiction", sinceNs: seconds(0), atNs: seconds(51) });
  // One run may note late what began early: a sleep that it finds since the end of the run before.
  for (const [first, next] of [
    [slept(5, 30, 60), slept(0, 10, 60)],
    [slept(0, 10, 60), slept(5, 30, 60)],
  ] as const) {
    const later = Array.from({ length: breaksMax - 1 }, (_, each) => slept(100 + each * 10, 101 + each * 10, 60));
    const { breaks } = [first, next, ...later].reduce(withBreak, nothingKnown);
    expect(breaks[0]).toMatchObject({ kind: "contradiction", sinceNs: seconds(0), atNs: seconds(30) });
  }
  for (let each = 0; each < anchorsOfBootMax + 5; each += 1) timeline = withAnchor(timeline, anchorAt(each));
  expect(timeline.anchors.map(({ atNs }) => atNs)).toEqual(
    Array.from({ length: anchorsOfBootMax }, (_, index) => seconds(index + 5)),
  );
});
