import { describe, expect, test } from "vitest";
import { type MonotonicNs, monotonicNs } from "../base/time.ts";
import type { ServiceOffset } from "./service-clock.ts";
import {
  afterAnswer,
  afterAsk,
  afterDoubt,
  neverAsked,
  nextAskNs,
  type ServiceSchedule,
  seriesMax,
} from "./service-schedule.ts";
import { laterBy, nsPerMs, nsPerSecond } from "./utc.ts";

const seconds = (value: number): MonotonicNs => monotonicNs(BigInt(Math.round(value * 1000)) * nsPerMs);
const roundTripNs = 20n * nsPerMs;

/** The service's second turns somewhere within `widthMs` of monotonic time's. */
function offset(widthMs: number, consistent = true): ServiceOffset {
  const half = (BigInt(widthMs) * nsPerMs) / 2n;
  return { lowNs: -half, highNs: half, consistent };
}

function askedAndAnswered(schedule: ServiceSchedule, atS: number): ServiceSchedule {
  const sentNs = seconds(atS);
  return afterAnswer(afterAsk(schedule, sentNs), { sentNs, receivedNs: laterBy(sentNs, roundTripNs) });
}

test("at the start it is asked at once", () => {
  expect(nextAskNs(neverAsked, null, seconds(3))).toBe(seconds(3));
});

describe("within a series", () => {
  test("the next request is two seconds away at least, and arrives when the service's second may turn", () => {
    const schedule = askedAndAnswered(neverAsked, 10.3);
    const nextNs = nextAskNs(schedule, offset(1000), seconds(10.5));
    expect(nextNs).toBe(laterBy(seconds(13), -roundTripNs / 2n));
  });

  test("it ends when what is known is narrow enough, and begins anew after half an hour", () => {
    const schedule = askedAndAnswered(neverAsked, 10);
    expect(nextAskNs(schedule, offset(100), seconds(11))).toBe(seconds(10 + 1800));
    expect(nextAskNs(schedule, offset(100, false), seconds(11))).toBeLessThan(seconds(14));
  });

  test("it ends after eight requests whatever came of them, and the next counts anew", () => {
    let schedule = neverAsked;
    for (let request = 0; request < seriesMax; request += 1) schedule = askedAndAnswered(schedule, 3 * request);
    const lastS = 3 * (seriesMax - 1);
    expect(nextAskNs(schedule, offset(1000), seconds(lastS + 1))).toBe(seconds(lastS + 1800));
    schedule = askedAndAnswered(schedule, lastS + 1800);
    expect(nextAskNs(schedule, offset(1000), seconds(lastS + 1801))).toBeLessThan(seconds(lastS + 1804));
  });
});

test("a service that does not answer is asked again after 64 s", () => {
  const first = afterAsk(neverAsked, seconds(10));
  expect(nextAskNs(first, null, seconds(11))).toBe(seconds(74));
  const again = afterAsk(askedAndAnswered(neverAsked, 10), seconds(20));
  expect(nextAskNs(again, offset(1000), seconds(21))).toBe(seconds(84));
});

test("answers to registrations tell the time as well: nothing is asked while they keep it narrow", () => {
  const schedule = afterAnswer(askedAndAnswered(neverAsked, 10), { sentNs: seconds(900), receivedNs: seconds(900.1) });
  expect(nextAskNs(schedule, offset(50), seconds(1000)) - seconds(1000)).toBeGreaterThan(800n * nsPerSecond);
});

describe("an answer that does not fit the others", () => {
  const known = askedAndAnswered(neverAsked, 10);
  const narrow = offset(50);

  test("is asked about at once, in a series of its own", () => {
    const doubted = afterDoubt(known, seconds(100));
    expect(nextAskNs(doubted, narrow, seconds(100.1))).toBe(seconds(100));
    const asked = askedAndAnswered(doubted, 100.2);
    expect(asked.asked).toBe(1);
    expect(nextAskNs(asked, narrow, seconds(101))).toBe(seconds(100.2 + 1800));
  });

  test("and one soon after it no sooner than a minute later, whatever else is asked in between", () => {
    const again = afterDoubt(askedAndAnswered(afterDoubt(known, seconds(100)), 100.2), seconds(110));
    expect(nextAskNs(again, narrow, seconds(110))).toBe(seconds(164));
    const nextS = Number(nextAskNs(again, offset(1000, false), seconds(110)) - seconds(0)) / 1e9;
    expect(nextS).toBeLessThan(113);
    const asked = askedAndAnswered(again, nextS);
    expect(asked.asked).toBe(2);
    expect(nextAskNs(asked, narrow, seconds(114))).toBe(seconds(164));
  });
});
