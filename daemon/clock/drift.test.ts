import { expect, test } from "vitest";
import { monotonicNs } from "../base/time.ts";
import type { Anchor } from "./anchor.ts";
import { crystalPpmMax, holdoverPpmMin, learnDrift, learningSpanNs, slewingPpm, synchronisedPpmMin } from "./drift.ts";
import { nsPerMs, nsPerSecond } from "./utc.ts";

/** 2026-03-14T12:00:00Z, far from the end of any month. */
const theta = 1_773_489_600n * nsPerSecond;

/** One anchor per `everySeconds` of a crystal that is `ppm` slow. */
function history(ppm: number, count: number, everySeconds: number, boundMs = 5): readonly Anchor[] {
  return Array.from({ length: count }, (_, index) => {
    const atNs = monotonicNs(BigInt(index * everySeconds) * nsPerSecond);
    return {
      syncId: `boot/${index}`,
      bootId: "boot",
      basis: "quorum",
      atNs,
      thetaNs: theta + BigInt(Math.round(index * everySeconds * ppm * 1000)),
      boundNs: BigInt(boundMs) * nsPerMs,
      oldestSampleNs: atNs,
      leapAnnounced: false,
    };
  });
}

test("until an hour was watched nothing says that the frequency is steered", () => {
  const short = history(0, 3, Number(learningSpanNs / nsPerSecond) / 2 - 1);
  expect(learnDrift(short, false)).toEqual({ synchronisedPpm: holdoverPpmMin, holdoverPpm: holdoverPpmMin });
});

test("a steered crystal gets the measured figures and never less", () => {
  const hours = history(0.1, 30, 1024);
  expect(learnDrift(hours, false)).toEqual({ synchronisedPpm: synchronisedPpmMin, holdoverPpm: holdoverPpmMin });
});

test.each([40, -40])("a crystal %i ppm off is believed, with what both bounds leave open", (ppm) => {
  const { synchronisedPpm, holdoverPpm } = learnDrift(history(ppm, 2, 3600), false);
  expect(synchronisedPpm).toBe(43);
  expect(holdoverPpm).toBe(holdoverPpmMin);
  expect(learnDrift(history(ppm * 2, 2, 3600), false).holdoverPpm).toBe(166);
});

test("where slewing is possible its rate is the least", () => {
  expect(learnDrift(history(0, 10, 3600), true)).toEqual({ synchronisedPpm: slewingPpm, holdoverPpm: slewingPpm });
  expect(learnDrift([], true)).toEqual({ synchronisedPpm: slewingPpm, holdoverPpm: slewingPpm });
});

test("a span that no crystal explains, a span over a reboot and the service's clock teach nothing", () => {
  const unlearnt = learnDrift([], false);
  expect(learnDrift(history(crystalPpmMax + 10, 2, 3600), false)).toEqual(unlearnt);
  const [first, second] = history(0, 2, 3600);
  expect(learnDrift([first, { ...second, bootId: "other" }] as readonly Anchor[], false)).toEqual(unlearnt);
  expect(learnDrift([first, { ...second, basis: "service" }] as readonly Anchor[], false)).toEqual(unlearnt);
});

test("a span over a leap second that may have come teaches nothing: the second hides how wrong the crystal is", () => {
  const newYear = 1_798_761_600n * nsPerSecond;
  const hoursBefore = 3n * 3600n * nsPerSecond;
  const over = history(45, 2, 6 * 3600).map((each, index) => ({
    ...each,
    thetaNs: each.thetaNs - theta + newYear - hoursBefore - (index === 0 ? 0n : nsPerSecond),
  }));
  expect(learnDrift(over, false)).toEqual(learnDrift([], false));
  const onOneSide = over.map((each) => ({ ...each, thetaNs: each.thetaNs - 2n * hoursBefore }));
  expect(learnDrift(onOneSide, false)).not.toEqual(learnDrift([], false));
});
