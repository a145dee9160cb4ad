import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { monotonicNs, wallMs } from "../base/time.ts";
import {
  type ClockEvent,
  type ClockReading,
  readingMaxMs,
  type StepWatch,
  sleptBetween,
  sleptBetweenMinMs,
  stepThresholdMs,
  suspendThresholdMs,
  uptimeStepMs,
  watchClocks,
} from "./step-watch.ts";

const epochMs = 1_773_489_600_000;

/** A reading `atMs` after boot with the system clock and the uptime moved. */
function reading(atMs: number, wallByMs = 0, sleptMs = 0, tookMs = 0): ClockReading {
  return {
    beforeNs: monotonicNs(BigInt(Math.round(atMs * 1e6))),
    afterNs: monotonicNs(BigInt(Math.round((atMs + tookMs) * 1e6))),
    wallMs: wallMs(Math.floor(epochMs + atMs + wallByMs + sleptMs)),
    uptimeMs: Math.floor((atMs + sleptMs) / 10) * 10,
  };
}

function eventsOf(readings: readonly ClockReading[]): readonly ClockEvent[] {
  let watch: StepWatch = null;
  return readings.flatMap((each) => {
    const next = watchClocks(watch, each);
    watch = next.watch;
    return next.events;
  });
}

describe("a step of the system clock", () => {
  test.each([7_200_000, -7_200_000, -259_200_000, stepThresholdMs, -stepThresholdMs])("by %i ms is found", (byMs) => {
    expect(eventsOf([reading(1000), reading(2000), reading(3000, byMs), reading(4000, byMs)])).toEqual([
      { kind: "step", sinceNs: 2_000_000_000n, atNs: 3_000_000_000n, byMs },
    ]);
  });

  test("below the threshold is none", () => {
    expect(eventsOf([reading(1000), reading(2000, stepThresholdMs - 1)])).toEqual([]);
  });

  test("in small pieces adds up to one that is found", () => {
    const pieces = [0, 2, 4, 6, 8].map((byMs, index) => reading(1000 * (index + 1), byMs));
    expect(eventsOf(pieces)).toMatchObject([{ kind: "step", byMs: 6 }]);
  });

  test("is not made of a reading during which the process lost the processor", () => {
    expect(eventsOf([reading(1000), reading(2000, 50, 0, 60), reading(3000)])).toEqual([]);
    expect(eventsOf([reading(1000), reading(2000, 50, 0, 40), reading(3000)])).toHaveLength(2);
  });

  test("is compared with a first reading that was quick", () => {
    expect(eventsOf([reading(1000, 50, 0, readingMaxMs + 1), reading(2000), reading(3000)])).toEqual([]);
  });
});

describe("a suspend", () => {
  test("is found by the uptime that counts it, and is no step", () => {
    expect(eventsOf([reading(1000), reading(2000, 0, 60_000), reading(3000, 0, 60_000)])).toEqual([
      { kind: "suspend", sinceNs: 1_000_000_000n, atNs: 2_000_000_000n, forMs: 60_000 },
    ]);
  });

  test("is found by a slow reading too: those after a resume are", () => {
    expect(eventsOf([reading(1000), reading(2000, 0, 3_600_000, 30)])).toMatchObject([{ kind: "suspend" }]);
  });

  test("that a slow reading found is no step back at the next, and hides none that follows", () => {
    const sleptMs = 3_600_000;
    const late = reading(2300, 0, sleptMs);
    const slow = { ...reading(2000, 0, sleptMs, 300), wallMs: late.wallMs, uptimeMs: late.uptimeMs };
    const found = eventsOf([reading(1000), slow, reading(3000, 0, sleptMs), reading(4000, 0, sleptMs + 200)]);
    expect(found).toMatchObject([
      { kind: "suspend", forMs: sleptMs + 300 },
      { kind: "suspend", forMs: 200 },
    ]);
  });

  test("after which the wall clock stood still is a step as well", () => {
    const kinds = eventsOf([reading(1000), reading(2000, -60_000, 60_000)]).map(({ kind }) => kind);
    expect(kinds).toEqual(["suspend", "step"]);
  });

  test("is found whenever it is read, from what the steps of the uptime can hide on", () => {
    const moment = fc.double({ min: 0, max: 10_000, noNaN: true });
    const sleptMs = fc.double({ min: suspendThresholdMs + uptimeStepMs + 1, max: 5_000, noNaN: true });
    fc.assert(
      fc.property(moment, moment, sleptMs, (atMs, afterMs, forMs) => {
        const found = eventsOf([reading(atMs), reading(atMs + afterMs, 0, forMs)]);
        expect(found.map(({ kind }) => kind)).toEqual(["suspend"]);
      }),
    );
  });

  test("that a slow reading cannot tell lies before it, once it is found", () => {
    const slow = reading(2000, 0, 400, 500);
    expect(eventsOf([reading(1000), slow, reading(3000, 0, 400)])).toEqual([
      { kind: "suspend", sinceNs: reading(1000).afterNs, atNs: reading(3000).afterNs, forMs: 400 },
    ]);
  });

  test("between two runs is found from a tenth of a second on: a start may lose the processor between two readings", () => {
    const [before, now] = [reading(1000), reading(2000)];
    const between = (sleptMs: number) =>
      sleptBetween({ atNs: before.afterNs, sleptMs: 0 }, { atNs: now.afterNs, sleptMs })?.kind ?? null;
    expect([sleptBetweenMinMs - 1, sleptBetweenMinMs].map(between)).toEqual([null, "suspend"]);
  });

  test("cannot be told without an uptime", () => {
    const blind = [reading(1000), reading(2000), reading(3000)].map((each) => ({ ...each, uptimeMs: null }));
    expect(eventsOf(blind)).toEqual([]);
  });
});

test("clocks that run together give no event, whenever they are read and however long that takes", () => {
  const readAfter = fc.record({
    gapMs: fc.double({ min: 0, max: 5000, noNaN: true }),
    tookMs: fc.oneof(
      fc.double({ min: 0, max: readingMaxMs, noNaN: true }),
      fc.double({ min: 0, max: 500, noNaN: true }),
    ),
    /** When in between the other clocks were read. */
    share: fc.double({ min: 0, max: 1, noNaN: true }),
  });
  fc.assert(
    fc.property(fc.array(readAfter, { maxLength: 50 }), (looks) => {
      let atMs = 0;
      const readings = looks.map(({ gapMs, tookMs, share }): ClockReading => {
        atMs += gapMs;
        const { wallMs: wall, uptimeMs } = reading(atMs + share * tookMs);
        const found = { ...reading(atMs, 0, 0, tookMs), wallMs: wall, uptimeMs };
        atMs += tookMs;
        return found;
      });
      expect(eventsOf(readings)).toEqual([]);
    }),
  );
});
