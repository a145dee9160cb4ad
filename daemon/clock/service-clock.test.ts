import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { present } from "../base/assert.ts";
import { monotonicNs, wallMs } from "../base/time.ts";
import { holdoverPpmMin, slewingPpm } from "./drift.ts";
import {
  agreedOffset,
  answerAgeMaxNs,
  answersKept,
  type DatedAnswer,
  disagreementAlarm,
  noteAnswer,
  phiOf,
  provenDisagreementNs,
  type ServiceClock,
  serviceAnchor,
  serviceOffset,
  serviceTrustNs,
  steeredSendNs,
  vouchesFor,
} from "./service-clock.ts";
import { laterBy, nsPerMs, nsPerSecond } from "./utc.ts";

/** UTC − monotonic time, as whole seconds: a `Date` of the true second is then easy to see. */
const theta = 1_773_489_600n * nsPerSecond;

/** What a service whose clock is `offMs` ahead writes into `Date` when it answers half-way. */
function answer(sentMs: number, roundTripMs: number, offMs = 0): DatedAnswer {
  const sentNs = monotonicNs(BigInt(Math.round(sentMs * 1e6)));
  const halfwayMs = sentMs + roundTripMs / 2 + offMs;
  return {
    dateMs: wallMs(Math.floor((Number(theta / nsPerMs) + halfwayMs) / 1000) * 1000),
    sentNs,
    receivedNs: laterBy(sentNs, BigInt(Math.round(roundTripMs * 1e6))),
    aged: false,
  };
}

function offsetOf(clock: ServiceClock, nowMs: number): ReturnType<typeof serviceOffset> {
  return serviceOffset(clock, monotonicNs(BigInt(Math.round(nowMs * 1e6))), holdoverPpmMin);
}

test("one answer bounds the service's clock to half a second and half the round trip", () => {
  const offset = present(offsetOf([answer(10_500, 40)], 10_500), "one answer");
  expect(offset.highNs - offset.lowNs).toBe(nsPerSecond + 40n * nsPerMs);
  expect(phiOf(offset, theta)).toEqual({ loMs: -540, hiMs: 500 });
});

test("an answer with Age, or received before it was sent, is refused", () => {
  expect(noteAnswer([], { ...answer(10, 40), aged: true })).toEqual([]);
  expect(noteAnswer([], answer(10, -1))).toEqual([]);
  expect(noteAnswer([], answer(10, 40))).toHaveLength(1);
});

test("only so many answers are kept, the newest", () => {
  let clock: ServiceClock = [];
  for (let index = 0; index <= answersKept; index += 1) clock = noteAnswer(clock, answer(index, 40));
  expect(clock).toHaveLength(answersKept);
  expect(clock[0]?.sentNs).toBe(nsPerMs);
});

test.each([
  [holdoverPpmMin, 414n],
  [slewingPpm, 2214n],
])("an answer widens with its age by our %i ppm and the server's, and is forgotten after an hour", (ppm, byMs) => {
  const old = answer(0, 0);
  const hour = serviceOffset([old], monotonicNs(answerAgeMaxNs), ppm);
  expect(hour === null ? null : hour.highNs - hour.lowNs).toBe(nsPerSecond + 2n * byMs * nsPerMs);
  expect(serviceOffset([old], monotonicNs(answerAgeMaxNs + 1n), ppm)).toBeNull();
});

test("answers that fit no one clock give the hull of all and say so", () => {
  const offset = present(offsetOf([answer(500, 0), answer(1500, 0, 3000)], 1500), "two answers");
  expect(offset.consistent).toBe(false);
  expect(phiOf(offset, theta).loMs).toBeLessThanOrEqual(0);
  expect(phiOf(offset, theta).hiMs).toBeGreaterThanOrEqual(3000);
});

test("however the service is off and whenever it is asked, the bound holds its clock", () => {
  const asked = fc.record({ gapMs: fc.nat({ max: 60_000 }), roundTripMs: fc.nat({ max: 900 }) });
  fc.assert(
    fc.property(
      fc.array(asked, { minLength: 1, maxLength: 30 }),
      fc.integer({ min: -5000, max: 5000 }),
      (all, offMs) => {
        let clock: ServiceClock = [];
        let atMs = 0;
        for (const { gapMs, roundTripMs } of all) {
          atMs += gapMs;
          clock = noteAnswer(clock, answer(atMs, roundTripMs, offMs));
        }
        const offset = present(offsetOf(clock, atMs), "asked just now");
        expect(offset.consistent).toBe(true);
        const { loMs, hiMs } = phiOf(offset, theta);
        expect(loMs).toBeLessThanOrEqual(offMs);
        expect(hiMs).toBeGreaterThanOrEqual(offMs);
      },
    ),
  );
});

test("however far its servers are off, within the second that they may, and whichever answers: the anchor holds UTC", () => {
  const asked = fc.record({
    gapMs: fc.nat({ max: 60_000 }),
    roundTripMs: fc.nat({ max: 900 }),
    offMs: fc.integer({ min: -1000, max: 1000 }),
  });
  let apart = 0;
  fc.assert(
    fc.property(fc.array(asked, { minLength: 1, maxLength: 30 }), (all) => {
      let clock: ServiceClock = [];
      let atMs = 0;
      for (const { gapMs, roundTripMs, offMs } of all) {
        atMs += gapMs;
        clock = noteAnswer(clock, answer(atMs, roundTripMs, offMs));
      }
      const nowNs = monotonicNs(BigInt(atMs) * nsPerMs);
      const agreed = agreedOffset(clock, nowNs, holdoverPpmMin);
      if (agreed === null) return;
      if (offsetOf(clock, atMs)?.consistent === false) apart += 1;
      const anchor = serviceAnchor(agreed, "boot", nowNs);
      expect(anchor.thetaNs - anchor.boundNs).toBeLessThanOrEqual(theta);
      expect(anchor.thetaNs + anchor.boundNs).toBeGreaterThanOrEqual(theta);
      expect(vouchesFor(agreed, theta, 0n)).toBe(true);
    }),
  );
  expect(apart).toBeGreaterThan(10);
});

test("answers that exclude each other by more than a server may be off agree on nothing", () => {
  const nowNs = monotonicNs(1500n * nsPerMs);
  expect(agreedOffset([answer(500, 0), answer(1500, 0, 3000)], nowNs, holdoverPpmMin)).toBeNull();
  expect(agreedOffset([], nowNs, holdoverPpmMin)).toBeNull();
});

test("eight steered answers bring half a second down to some tens of milliseconds", () => {
  let clock: ServiceClock = [];
  let nowMs = 123.4;
  for (let asked = 0; asked < 8; asked += 1) {
    const known = offsetOf(clock, nowMs);
    const nowNs = monotonicNs(BigInt(Math.round(nowMs * 1e6)));
    const sendMs = known === null ? nowMs : Number(steeredSendNs(known, 40n * nsPerMs, nowNs)) / 1e6;
    expect(sendMs).toBeGreaterThanOrEqual(nowMs);
    expect(sendMs).toBeLessThan(nowMs + 1000);
    clock = noteAnswer(clock, answer(sendMs, 40, 234));
    nowMs = sendMs + 1000;
  }
  const offset = present(offsetOf(clock, nowMs), "asked just now");
  const { loMs, hiMs } = phiOf(offset, theta);
  expect(hiMs - loMs).toBeLessThan(60);
  expect(loMs).toBeLessThanOrEqual(234);
  expect(hiMs).toBeGreaterThanOrEqual(234);
});

describe("the alarm", () => {
  const exact = (offMs: bigint): { lowNs: bigint; highNs: bigint; consistent: true } => ({
    lowNs: theta + offMs * nsPerMs,
    highNs: theta + offMs * nsPerMs,
    consistent: true,
  });

  test.each([
    [1006n, true],
    [1005n, false],
    [-1006n, true],
    [-1005n, false],
    [0n, false],
  ])("with the quorum ± 5 ms and the service %s ms off is %s", (offMs, alarm) => {
    expect(disagreementAlarm(exact(offMs), theta, 5n * nsPerMs)).toBe(alarm);
  });

  test("is silent as long as both may be right", () => {
    const offset = { lowNs: theta - 100n * nsPerMs, highNs: theta + 5000n * nsPerMs, consistent: true };
    expect(provenDisagreementNs(offset, theta, 5n * nsPerMs)).toBe(0n);
  });
});

test("as a fallback its anchor allows the service the second that no alarm would show", () => {
  const nowNs = monotonicNs(nsPerSecond);
  const offset = { lowNs: theta, highNs: theta + 100n * nsPerMs, consistent: true };
  expect(serviceAnchor(offset, "boot", nowNs)).toMatchObject({
    basis: "service",
    thetaNs: theta + 50n * nsPerMs,
    boundNs: 50n * nsPerMs + serviceTrustNs,
    atNs: nowNs,
  });
});
